-- Made from the Sigma rules in packaging/sigma/rules by `make detections`: edit them there.

-- MDE Management Channel Changed (low, b1ebba94-ffe7-4dc8-86bc-b4274264569f)
SELECT * FROM events WHERE type='authority.changed' AND (`data.after.channel` LIKE 'mde\_attach' ESCAPE '\' OR `data.after.channel`='mdm' OR `data.after.channel` LIKE 'managed\_file' ESCAPE '\');

-- MDE Host Left Without Management Channel (medium, 813662d0-c5e3-484b-80d6-5e60ee2a16a7)
SELECT * FROM events WHERE type='authority.changed' AND (`data.after.channel`='local' OR `data.after.channel`='none');

-- Mdeinspect Daemon Stopped (low, a473a31c-a3dc-4082-8725-a1643738f535)
SELECT * FROM events WHERE type='daemon.stopped';

-- Mdeinspect Event Store Removed Or Damaged (medium, 207ef8a9-fc45-4d0e-a4f6-5b9da550b211)
SELECT * FROM events WHERE type='daemon.started' AND because='store-set-aside';

-- Mdeinspect Events Lost Before Delivery (medium, 94abfbfd-b92b-4dc4-b3bb-baed2483e49f)
SELECT * FROM events WHERE type='events.dropped';

-- MDE Agent Starts Again And Again (high, 1f2c247d-5024-4a61-b21b-caf26a2ee768)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-crash-looping' AND (severity='high' OR severity='critical');

-- MDE Agent Missing (high, 679e64ab-1d95-403e-b741-19778ce8a7aa)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-missing' AND (severity='high' OR severity='critical');

-- MDE Agent Without Tenant (high, c46a56d8-67a0-442c-bfe7-9968543e048e)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-not-onboarded' AND (severity='high' OR severity='critical');

-- MDE Agent Offboarded (high, 877440d5-b13b-4d51-9c02-53db2711a454)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-offboarded' AND (severity='high' OR severity='critical');

-- MDE Agent Unhealthy By Its Own Word (high, 59a6fa16-dfe5-4302-a17d-51808a445c76)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-unhealthy' AND (severity='high' OR severity='critical');

-- MDE Agent Does Not Answer (high, 92450963-143e-491b-b905-845dd6f35b8c)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='agent-unreachable' AND (severity='high' OR severity='critical');

-- MDE Broad Antivirus Exclusion In Force (high, 706f9df8-b550-427a-9784-ac8aba628f3d)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='broad-exclusion' AND (severity='high' OR severity='critical');

-- MDE Management Check-In Failing For A Week (high, 4271c0f8-ff53-4eb0-a8eb-b2f6dbebebdc)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='checkin-failing' AND (severity='high' OR severity='critical');

-- MDE Management Check-In Silent For A Week (high, 5a073095-bda0-4b89-81a6-6c666b13012e)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='checkin-stale' AND (severity='high' OR severity='critical');

-- MDE Antivirus Engine Not Loaded (high, e8798f84-d68e-4088-8816-9fd3d3dda301)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='engine-not-loaded' AND (severity='high' OR severity='critical');

-- MDE Policy Not Enforced With A Weak Effective Value (high, 9bd012c4-dc42-478e-904b-a0b22abba5c9)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='not-enforced' AND (severity='high' OR severity='critical');

-- MDE Policy File Writable By Everybody (high, b9114251-d60f-4471-88dd-5fc4bfbc1ff0)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='policy-file-writable' AND (severity='high' OR severity='critical');

-- MDE Policy Folder Writable By Everybody (high, da90895f-e714-4473-92cc-8e28e7495618)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='policy-folder-writable' AND (severity='high' OR severity='critical');

-- MDE Agent Build Expired (high, 59243c9b-a86a-4ab9-b375-59ba2f507ff7)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='product-expired' AND (severity='high' OR severity='critical');

-- MDE Real-Time Protection Off Against Policy (critical, 88650a5f-69b7-415d-9da4-6f6641eab5d3)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='protection-off' AND (severity='high' OR severity='critical');

-- MDE Agent Moved To Another Tenant (high, 7c8774e1-648b-47c3-b3da-d0d00723042a)
SELECT * FROM events WHERE (type='finding.raised' OR type='finding.changed') AND code='tenant-changed' AND (severity='high' OR severity='critical');

-- MDE Governing Policy File Removed (medium, 08598ef6-6efc-4bf7-a73b-bdc074e681e3)
SELECT * FROM events WHERE type='policy.changed' AND `data.kind`='removed' AND (severity='medium' OR severity='high' OR severity='critical');
