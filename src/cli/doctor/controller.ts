/** Checks of what a `kiln serve` needs of its host, and of what it has noted in the database. */
import { exitCodes } from '../../model/errors.ts';
import { type ServeRole, serveRoles } from '../../model/serve-role.ts';
import { plural } from '../format/duration.ts';
import { type Check, type CheckGroup, type Finding, fail, ok, warn } from './check.ts';

/** Named one by one; there may be thousands. */
const NAMED_AT_MOST = 10;

const database: Check = {
  id: 'controller.database',
  title: 'database',
  needs: ['configuration.valid'],
  async run({ context }) {
    const { database: place, migrations } = await context.databaseStatus();
    const incompatible = migrations.filter(({ newer }) => newer === 'incompatible').map(({ name }) => name);
    if (incompatible.length > 0) {
      return fail(
        `${place}: a newer Kiln changed the tables (${incompatible.join(', ')}), and this one can't go on with them`,
        'Install the newer version on this controller again; docs/upgrade.md has the way back.',
      );
    }
    const missing = migrations.filter(({ executedAt }) => executedAt === null).map(({ name }) => name);
    if (missing.length > 0) {
      const what =
        missing.length === migrations.length
          ? 'has no tables yet'
          : `lacks ${plural(missing.length, 'change')} of its tables`;
      return {
        ...warn(`${place}: ${what}`, 'Run `kiln db upgrade`; `kiln serve` does it at its start as well.'),
        blocks: true,
      };
    }
    const newer = migrations.filter((one) => one.newer !== null).map(({ name }) => name);
    if (newer.length > 0) {
      return warn(
        `${place}: a newer Kiln changed the tables (${newer.join(', ')}); this one can go on`,
        'Install the newer version on this controller as well.',
      );
    }
    return ok(place);
  },
};

const broker: Check = {
  id: 'controller.broker',
  title: 'message broker',
  needs: ['configuration.valid'],
  async run({ context }) {
    const hosts = await (await context.controller()).broker();
    if (hosts === null) return ok('none is configured: one process does everything');
    const down = hosts.filter(({ problem }) => problem !== null);
    const advice =
      'Start it, or correct [DEFAULT] transport_url and [oslo_messaging_rabbit]. Until then operations wait for up to half a minute for a worker.';
    if (down.length === 0) return ok(`answers at ${hosts.map(({ place }) => place).join(', ')}`);
    return down.map(({ place, problem }) =>
      (down.length === hosts.length ? fail : warn)(`${place} can't be used: ${problem}`, advice),
    );
  },
};

const heartbeats: Check = {
  id: 'controller.heartbeats',
  title: 'heartbeats',
  needs: ['configuration.valid'],
  async run({ context }) {
    const { place, isTaken } = await (await context.controller()).heartbeats();
    if (!isTaken) return ok(`signed, and can be received on ${place}`);
    const serve = await context.status();
    if (serve) return ok(`signed, and received by kiln serve (pid ${serve.pid}) on ${place}`);
    return warn(
      `${place} is taken: by a health manager of Kiln's, or by something else`,
      'See by what: `ss -ulnp`. If it is not Kiln, end it (perhaps it is Octavia’s health manager), or set [health_manager] bind_port.',
    );
  },
};

const provider: Check = {
  id: 'controller.provider',
  title: 'default provider',
  needs: ['configuration.valid'],
  run: async ({ context }) => ok((await context.controller()).provider()),
};

const jobs: Check = {
  id: 'controller.jobs',
  title: 'jobs of housekeeping',
  needs: ['controller.database'],
  async run({ context }) {
    const listed = await (await context.housekeeping()).list();
    const failed = listed.flatMap(({ name, last }): Finding[] => {
      if (!last?.failure) return [];
      const { message, advice } = last.failure;
      const since = last.succeededAt === null ? 'it never succeeded' : `it last succeeded on ${last.succeededAt}`;
      return [warn(`${name} failed: ${message}; ${since}`, `${advice} Then \`kiln housekeeping run ${name}\`.`)];
    });
    return failed.length > 0 ? failed : ok('none failed when it last ran');
  },
};

/** A process that beats each third of a lease, and whose clock may differ from this one's. */
const LEASES_OF_SILENCE = 2;

const processes: Check = {
  id: 'controller.processes',
  title: 'processes',
  needs: ['controller.database'],
  async run({ context, now }) {
    const view = await context.controller();
    const beats = await view.lastBeats();
    const jobs = await (await context.housekeeping()).list();
    if (serveRoles.every((role) => !beats.has(role)) && jobs.every(({ last }) => last === null))
      return ok('none has run with this database yet');
    const heardSince = now.getTime() - LEASES_OF_SILENCE * view.leaseSeconds() * 1000;
    const missing = serveRoles.filter((role) => Date.parse(beats.get(role) ?? '1970-01-01') < heardSince);
    if (missing.length === 0) return ok(`one or more of each role: ${serveRoles.join(', ')}`);
    return missing.map((role) => {
      const last = beats.has(role)
        ? `the last one was heard of on ${beats.get(role)}`
        : 'it was stopped, or never started';
      return warn(
        `none with the role ${role} runs; ${last}: ${withoutRole[role]}`,
        `Start \`kiln serve --role ${role}\`, or \`kiln serve\` with all roles, on one of the controllers.`,
      );
    });
  },
};

const withoutRole: Readonly<Record<ServeRole, string>> = {
  api: 'no request is answered',
  worker: 'what is asked for stays PENDING',
  'health-manager': 'statuses and statistics stand still, and no amphora that dies is failed over',
  housekeeping: 'certificates of amphorae are not renewed, and nothing that is old is removed',
};

const agentCertificates: Check = {
  id: 'controller.agent-certificates',
  title: 'certificates of amphorae',
  needs: ['controller.database'],
  async run({ context, now }) {
    const found = await (await context.controller()).agentCertificates(NAMED_AT_MOST + 1);
    if (found.length === 0) return ok('none has ended, and none failed to be renewed');
    const findings = found.slice(0, NAMED_AT_MOST).map(({ amphoraId, loadBalancerId, certExpiration, reason }) => {
      const hasEnded = Date.parse(certExpiration) <= now.getTime();
      const whose = `amphora ${amphoraId}${loadBalancerId === null ? '' : ` of load balancer ${loadBalancerId}`}`;
      const end = `${hasEnded ? 'ended' : 'ends'} on ${certExpiration}`;
      const why = reason === null ? 'it has not been renewed yet' : `the last renewal failed: ${reason.message}`;
      return (hasEnded ? fail : warn)(
        `${whose}: ${end}; ${why}`,
        `${reason?.advice ?? 'See that a worker and housekeeping run.'} It is tried again by itself; \`openstack loadbalancer failover\` gives it a new one.`,
      );
    });
    if (found.length > NAMED_AT_MOST)
      findings.push(warn('there are more', 'The metric kiln_agent_certificate_renewals_failing counts them.'));
    return findings;
  },
};

const secrets: Check = {
  id: 'controller.secrets',
  title: 'secrets of users',
  needs: ['configuration.valid'],
  async run({ context }) {
    const { rows } = await context.configuration();
    const manager = rows.find(({ section, option }) => section === 'certificates' && option === 'cert_manager')?.value;
    if (manager !== undefined && manager !== 'local_cert_manager') return ok(`${manager}: Kiln keeps none`);
    const kept = await (await context.secrets()).list();
    const ownerless = kept.filter(({ projectId }) => projectId === null);
    if (ownerless.length === 0)
      return ok(kept.length === 0 ? 'none is kept' : `${kept.length} kept, each with an owner`);
    return warn(
      `${ownerless.length} of ${kept.length} have no owner, and no load balancer can use them`,
      'Give them owners: `kiln secret list --without-owner --quiet | xargs -n 1 kiln secret adopt`.',
    );
  },
};

export const controllerChecks: CheckGroup = {
  title: 'Controller',
  exitCode: exitCodes.usageOrConfiguration,
  checks: [database, broker, heartbeats, provider, processes, jobs, agentCertificates, secrets],
};
