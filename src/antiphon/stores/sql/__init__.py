"""The store on SQL, by SQLAlchemy Core: one set of transactions, a driver per database."""
