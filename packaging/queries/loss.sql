-- Loss: a line names in `prev` the number that was handed over before it, and that one never came.
-- One row for each gap. The first line of a stream that is here says nothing: what was before it
-- may have been deleted. Gaps that retention made are left out: `events.dropped` tells of them (and
-- the Sigma rule mdeinspect_events_dropped).
SELECT
  later."host.name" AS host,
  later."stream" AS stream,
  (
    SELECT max(before."seq") FROM events AS before
    WHERE before."stream" = later."stream" AND before."seq" < later."seq"
  ) AS last_received,
  later."prev" AS missing,
  later."seq" AS received,
  later."time" AS time
FROM events AS later
WHERE later."prev" IS NOT NULL
  AND EXISTS (
    SELECT 1 FROM events AS before
    WHERE before."stream" = later."stream" AND before."seq" < later."seq"
  )
  AND NOT EXISTS (
    SELECT 1 FROM events AS before
    WHERE before."stream" = later."stream" AND before."seq" = later."prev"
  )
  AND NOT EXISTS (
    SELECT 1 FROM events AS dropped
    WHERE dropped."stream" = later."stream"
      AND dropped."type" = 'events.dropped'
      AND later."prev" BETWEEN dropped."data.from_seq" AND dropped."data.to_seq"
  )
ORDER BY later."stream", later."seq";
