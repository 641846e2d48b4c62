"""The one door to a model: requests go out as plans, events come back as wire values, errors as ours."""
