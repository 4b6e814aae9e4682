-- A table of native events for SQLite (3.31 or later): insert each delivered line as it is.
--
--     INSERT OR IGNORE INTO events (line) VALUES (?)
--
-- `id` is unique: lines that a sink handed over twice are taken once. The columns are those that the
-- Sigma rules (packaging/sigma/converted/sqlite.sql) and the queries of this folder use; the whole
-- event stays in `line`, for json_extract.
CREATE TABLE events (
  line TEXT NOT NULL CHECK (json_valid(line)),
  "time" TEXT AS (json_extract(line, '$.time')) STORED,
  "id" TEXT AS (json_extract(line, '$.id')) STORED UNIQUE,
  "seq" INTEGER AS (json_extract(line, '$.seq')) STORED,
  "prev" INTEGER AS (json_extract(line, '$.prev')) STORED,
  "stream" TEXT AS (json_extract(line, '$.stream')) STORED,
  "schema" TEXT AS (json_extract(line, '$.schema')) STORED,
  "type" TEXT AS (json_extract(line, '$.type')) STORED,
  "severity" TEXT AS (json_extract(line, '$.severity')) STORED,
  "host.name" TEXT AS (json_extract(line, '$.host.name')) STORED,
  "host.id" TEXT AS (json_extract(line, '$.host.id')) STORED,
  "host.platform" TEXT AS (json_extract(line, '$.host.platform')) STORED,
  "code" TEXT AS (json_extract(line, '$.code')) STORED,
  "subject" TEXT AS (json_extract(line, '$.subject')) STORED,
  "because" TEXT AS (json_extract(line, '$.because')) STORED,
  "data.kind" TEXT AS (json_extract(line, '$.data.kind')) STORED,
  "data.channel" TEXT AS (json_extract(line, '$.data.channel')) STORED,
  "data.before.channel" TEXT AS (json_extract(line, '$.data.before.channel')) STORED,
  "data.after.channel" TEXT AS (json_extract(line, '$.data.after.channel')) STORED,
  "data.sink" TEXT AS (json_extract(line, '$.data.sink')) STORED,
  "data.from_seq" INTEGER AS (json_extract(line, '$.data.from_seq')) STORED,
  "data.to_seq" INTEGER AS (json_extract(line, '$.data.to_seq')) STORED
);
CREATE INDEX events_by_stream ON events ("stream", "seq");
CREATE INDEX events_by_host ON events ("host.id", "time");
