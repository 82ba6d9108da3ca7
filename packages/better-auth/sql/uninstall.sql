-- Removes all that install.sql made, its triggers included. What was not published yet is lost.
--
--   psql "$DATABASE_URL" -1 -f uninstall.sql

do $uninstall$
begin
  perform set_config('lock_timeout', '5s', true);
  if to_regnamespace('tenantgate') is null then
    return;
  end if;
  -- The triggers go with their function.
  drop function if exists tenantgate.capture() cascade;
  drop table if exists tenantgate.outbox;
  begin
    drop schema tenantgate;
  exception when dependent_objects_still_exist then
    raise notice 'tenantgate: the schema tenantgate stays, as there is more in it';
  end;
end
$uninstall$;
