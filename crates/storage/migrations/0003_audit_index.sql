-- The audit log is read by time, newest first, page after page. Ids break ties, in the order of their bytes.
CREATE INDEX audit_events_at ON audit_events (tenant, at DESC, id COLLATE "binary");
