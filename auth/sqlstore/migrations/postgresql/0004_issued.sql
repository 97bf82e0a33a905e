-- Finds the values that were issued at a time or before.

CREATE INDEX latchkey_keys_issued ON latchkey_keys (space, coalesce(refreshed_at, created_at, 0), id);
