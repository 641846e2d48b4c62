"""What tokens cost: prices as data, costs as exact integers. Pure."""
