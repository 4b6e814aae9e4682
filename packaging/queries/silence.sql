-- Silence: hosts of which nothing came for `:hours` (3 unless given; three times heartbeat.every),
-- as of `:now` (RFC 3339 UTC; the clock unless given). `why` tells an end on purpose from silence.
WITH newest AS (
  SELECT
    "host.id" AS host_id,
    "host.name" AS host,
    "type" AS last_type,
    "time" AS last_time,
    row_number() OVER (PARTITION BY "host.id" ORDER BY "time" DESC, "seq" DESC) AS place
  FROM events
)
SELECT
  host,
  host_id,
  last_time,
  round((julianday(coalesce(:now, 'now')) - julianday(last_time)) * 24, 1) AS silent_hours,
  CASE last_type WHEN 'daemon.stopped' THEN 'stopped' ELSE 'silent' END AS why
FROM newest
WHERE place = 1
  AND julianday(coalesce(:now, 'now')) - julianday(last_time) > coalesce(:hours, 3) / 24.0
ORDER BY last_time;
