"""The store: worker, database, stored responses, keys."""
