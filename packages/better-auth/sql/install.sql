-- tenantgate: records what changes in Better Auth's tables, in the transaction of the change itself.
--
--   psql "$DATABASE_URL" -1 -f install.sql
--
-- Run it as the owner of Better Auth's tables, again after an update of the package or of the tables;
-- it may be run any number of times. It finds the tables of the current schema by the names below.
-- Other names, another schema, or a role of its own for the relay:
--
--   npx @tenantgate/better-auth sql --help
--
-- What it makes: the schema `tenantgate` with one table and one function, and two triggers on each of
-- Better Auth's tables of users, members, organizations and organization roles. uninstall.sql removes all.

create schema if not exists tenantgate;

-- What the relay publishes and then deletes. Better Auth's own role needs no right on it.
create table if not exists tenantgate.outbox (
  seq bigint generated always as identity primary key,
  -- The message id: JetStream stores a row once, however often it is published.
  id uuid not null default gen_random_uuid(),
  subject text not null,
  body jsonb not null,
  recorded_at timestamptz not null default now()
);

-- Arguments: what the table holds, then the names of its columns. It never fails the change that it
-- records: what cannot be recorded is a warning, and tenantgate finds out when it verifies.
create or replace function tenantgate.capture() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $capture$
declare
  kind constant text := tg_argv[0];
  was jsonb;
  is_now jsonb;
  old_id jsonb;
  new_id jsonb;
  events jsonb[] := '{}';
  listed text;
begin
  if tg_op = 'TRUNCATE' then
    -- Runs before the table is emptied, so that it can still say who was in it.
    listed := case kind
      when 'member' then format('select ''member.removed'', ''organizationId'', %I::text', tg_argv[2])
      when 'user' then format('select ''user.deleted'', ''userId'', %I::text', tg_argv[1])
      when 'organization' then
        format('select ''organization.deleted'', ''organizationId'', %I::text', tg_argv[1])
      else format('select ''organization.role.changed'', ''organizationId'', %I::text', tg_argv[1])
    end;
    execute format(
      'insert into tenantgate.outbox (subject, body)
        select subject, jsonb_build_object(key, id)
        from (select distinct * from (%s from %s) each (subject, key, id)) named
        where id is not null',
      listed, tg_relid::regclass);
    perform pg_notify('tenantgate_outbox', '');
    return null;
  end if;

  was := to_jsonb(old);
  is_now := to_jsonb(new);

  if kind = 'member' then
    if tg_op <> 'INSERT' then
      old_id := jsonb_build_object('userId', was ->> tg_argv[1], 'organizationId', was ->> tg_argv[2]);
    end if;
    if tg_op <> 'DELETE' then
      new_id := jsonb_build_object('userId', is_now ->> tg_argv[1], 'organizationId', is_now ->> tg_argv[2]);
    end if;
    if old_id is distinct from new_id then
      if old_id is not null then
        events := events || jsonb_build_object('subject', 'member.removed', 'body',
          old_id || jsonb_build_object('previousRole', was ->> tg_argv[3]));
      end if;
      if new_id is not null then
        events := events || jsonb_build_object('subject', 'member.added', 'body',
          new_id || jsonb_build_object('role', is_now ->> tg_argv[3]));
      end if;
    elsif was ->> tg_argv[3] is distinct from is_now ->> tg_argv[3] then
      events := events || jsonb_build_object('subject', 'member.role.changed', 'body', new_id ||
        jsonb_build_object('role', is_now ->> tg_argv[3], 'previousRole', was ->> tg_argv[3]));
    end if;

  elsif kind = 'user' then
    old_id := jsonb_build_object('userId', was ->> tg_argv[1]);
    if tg_op = 'DELETE' or was ->> tg_argv[1] is distinct from is_now ->> tg_argv[1] then
      events := events || jsonb_build_object('subject', 'user.deleted', 'body', old_id);
    end if;
    if tg_op = 'UPDATE' then
      new_id := jsonb_build_object('userId', is_now ->> tg_argv[1]);
      -- A ban that lasts longer or shorter than before is a ban again.
      if coalesce(was ->> tg_argv[3], 'false') <> coalesce(is_now ->> tg_argv[3], 'false')
        or (is_now ->> tg_argv[3] = 'true' and was ->> tg_argv[4] is distinct from is_now ->> tg_argv[4])
      then
        events := events || jsonb_build_object('subject',
          case when is_now ->> tg_argv[3] = 'true' then 'user.banned' else 'user.unbanned' end,
          'body', new_id);
      end if;
      if was ->> tg_argv[2] is distinct from is_now ->> tg_argv[2] then
        events := events || jsonb_build_object('subject', 'user.role.changed', 'body', new_id ||
          jsonb_build_object('role', is_now ->> tg_argv[2], 'previousRole', was ->> tg_argv[2]));
      end if;
    end if;

  elsif kind = 'organization' then
    if tg_op = 'DELETE' or was ->> tg_argv[1] is distinct from is_now ->> tg_argv[1] then
      events := events || jsonb_build_object('subject', 'organization.deleted', 'body',
        jsonb_build_object('organizationId', was ->> tg_argv[1]));
    end if;

  else
    if tg_op <> 'UPDATE'
      or was ->> tg_argv[1] is distinct from is_now ->> tg_argv[1]
      or was ->> tg_argv[2] is distinct from is_now ->> tg_argv[2]
      or was ->> tg_argv[3] is distinct from is_now ->> tg_argv[3]
    then
      if is_now is not null then
        events := events || jsonb_build_object('subject', 'organization.role.changed', 'body',
          jsonb_build_object('organizationId', is_now ->> tg_argv[1], 'role', is_now ->> tg_argv[2]));
      end if;
      if is_now is null or was ->> tg_argv[1] is distinct from is_now ->> tg_argv[1] then
        if was is not null then
          events := events || jsonb_build_object('subject', 'organization.role.changed', 'body',
            jsonb_build_object('organizationId', was ->> tg_argv[1], 'role', was ->> tg_argv[2]));
        end if;
      end if;
    end if;
  end if;

  if cardinality(events) > 0 then
    insert into tenantgate.outbox (subject, body)
      -- NATS takes no message of any size; who it is about is what matters.
      select event ->> 'subject', jsonb_strip_nulls(event -> 'body') - case
          when octet_length(event ->> 'body') > 16384 then '{role,previousRole}'::text[] else '{}' end
        from unnest(events) event;
    perform pg_notify('tenantgate_outbox', '');
  end if;
  return null;
exception when others then
  raise warning 'tenantgate did not record a change of %: % (%)', tg_relid::regclass, sqlerrm, sqlstate;
  return null;
end
$capture$;

revoke all on function tenantgate.capture() from public;

do $install$
declare
  -- Of each list the one name that exists is taken.
  config constant jsonb := '{
    "schema": null,
    "relayRole": null,
    "tables": {
      "user": {
        "table": ["users", "user"],
        "columns": { "id": ["id"], "role": ["role"], "banned": ["banned"], "banExpires": ["ban_expires", "banExpires"] }
      },
      "member": {
        "table": ["members", "member"],
        "columns": { "userId": ["user_id", "userId"], "organizationId": ["organization_id", "organizationId"], "role": ["role"] }
      },
      "organization": {
        "table": ["organizations", "organization"],
        "columns": { "id": ["id"] }
      },
      "organizationRole": {
        "table": ["organization_roles", "organization_role", "organizationRole"],
        "columns": { "organizationId": ["organization_id", "organizationId"], "role": ["role"], "permission": ["permission"] }
      }
    }
  }';
  -- The order of the arguments of tenantgate.capture().
  plan constant jsonb := '[
    ["user", "id", "role", "banned", "banExpires"],
    ["member", "userId", "organizationId", "role"],
    ["organization", "id"],
    ["organizationRole", "organizationId", "role", "permission"]
  ]';
  in_schema constant text := coalesce(config ->> 'schema', current_schema());
  wanted jsonb;
  kind text;
  tables regclass[];
  columns text[];
  args text;
  relation regclass;
  owners oid[] := array[current_user::regrole::oid];
  stranger text;
  row_events text;
  old_trigger text;
begin
  -- A long transaction of somebody else must not make everybody wait behind this one.
  perform set_config('lock_timeout', '2s', true);

  for wanted in select value from jsonb_array_elements(plan) loop
    kind := wanted ->> 0;
    select array_agg(c.oid::regclass) into tables
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = in_schema and c.relkind in ('r', 'p')
        and c.relname in (select jsonb_array_elements_text(config #> array['tables', kind, 'table']));
    if tables is null then
      if kind = 'organizationRole' then
        raise notice 'tenantgate: no table of organization roles in schema %, so none is recorded', in_schema;
        continue;
      end if;
      raise exception 'tenantgate: schema % has no table % for "%"', in_schema, config #> array['tables', kind, 'table'], kind
        using hint = 'Name it: npx @tenantgate/better-auth sql --help';
    elsif cardinality(tables) > 1 then
      raise exception 'tenantgate: which of % holds "%"?', tables, kind
        using hint = 'Name it: npx @tenantgate/better-auth sql --help';
    end if;
    relation := tables[1];
    owners := owners || (select relowner from pg_catalog.pg_class where oid = relation);

    args := quote_literal(kind);
    for i in 1 .. jsonb_array_length(wanted) - 1 loop
      select array_agg(a.attname) into columns
        from pg_catalog.pg_attribute a
        where a.attrelid = relation and a.attnum > 0 and not a.attisdropped and a.attname in
          (select jsonb_array_elements_text(config #> array['tables', kind, 'columns', wanted ->> i]));
      if cardinality(columns) > 1 or (columns is null and not (kind = 'user' and i > 1)) then
        raise exception 'tenantgate: table % has to have one column of % for "%"', relation,
          config #> array['tables', kind, 'columns', wanted ->> i], wanted ->> i
          using hint = 'Name it: npx @tenantgate/better-auth sql --help';
      end if;
      -- Without the admin plugin users have no role and no ban.
      args := args || ', ' || quote_literal(coalesce(columns[1], ''));
    end loop;

    row_events := case when kind in ('user', 'organization') then 'update or delete' else 'insert or update or delete' end;
    -- Each lock is one that requests wait for: none is taken for what is there already.
    continue when 2 = (
      select count(*) from pg_catalog.pg_trigger t
        where t.tgrelid = relation and t.tgfoid = 'tenantgate.capture'::regproc and t.tgenabled = 'A'
          and right(pg_get_triggerdef(t.oid), length(args) + 2) = '(' || args || ')'
          -- pg_trigger.h: for each row 1, before 2, insert 4, delete 8, update 16, truncate 32
          and (t.tgname, t.tgtype) in (('tenantgate_truncate', 34),
            ('tenantgate_capture', case when row_events like 'insert%' then 29 else 25 end)));

    for old_trigger in select tgname from pg_catalog.pg_trigger
      where tgrelid = relation and tgname in ('tenantgate_capture', 'tenantgate_truncate')
    loop
      execute format('drop trigger %I on %s', old_trigger, relation);
    end loop;
    execute format('create trigger tenantgate_capture after %s on %s for each row execute function tenantgate.capture(%s)',
      row_events, relation, args);
    execute format('create trigger tenantgate_truncate before truncate on %s for each statement execute function tenantgate.capture(%s)',
      relation, args);
    begin
      -- Also for what a session with session_replication_role = replica changes.
      execute format('alter table %s enable always trigger tenantgate_capture, enable always trigger tenantgate_truncate', relation);
    exception when insufficient_privilege then
      raise warning 'tenantgate: only the owner of % can enable its triggers for replication sessions too', relation;
    end;
  end loop;

  -- What was there before is used as it is. Made by somebody else, a trigger of his on the outbox would
  -- run with the rights of the owner of tenantgate.capture().
  select format('%s belongs to %s', what, pg_get_userbyid(owner)) into stranger
    from (
      select 'schema tenantgate', nspowner from pg_catalog.pg_namespace where nspname = 'tenantgate'
      union all
      select 'tenantgate.outbox', relowner from pg_catalog.pg_class
        where oid = 'tenantgate.outbox'::regclass
    ) made (what, owner)
    where owner <> all (owners)
      and not exists (select from pg_catalog.pg_roles where oid = owner and rolsuper)
      and not exists (select from pg_catalog.pg_database where datname = current_database() and datdba = owner)
    limit 1;
  if stranger is not null then
    raise exception 'tenantgate: %, who owns none of the tables', stranger
      using hint = 'Look what it is; then: drop schema tenantgate cascade';
  end if;

  if config ->> 'relayRole' is not null then
    execute format('grant usage on schema tenantgate to %I', config ->> 'relayRole');
    execute format('grant select, delete on tenantgate.outbox to %I', config ->> 'relayRole');
  end if;
end
$install$;
