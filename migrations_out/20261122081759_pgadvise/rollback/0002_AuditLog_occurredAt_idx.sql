-- rollback of create index "AuditLog_occurredAt_idx" on public."AuditLog"
-- effect    drops the index that the migration created, no row is touched
-- run       psql -X -f rollback/0002_AuditLog_occurredAt_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again at once, an interrupted drop leaves the index invalid
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY public."AuditLog_occurredAt_idx";
