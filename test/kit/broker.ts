import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';
const portBase = Number(process.env.KILN_TESTBED_PORT_BASE || 15_000);

/** The test bed's RabbitMQ (testbed/settings.sh). */
export const brokerPort = portBase + 672;

/** Runs Erlang in the broker, as its user. */
async function evaluate(expression: string): Promise<void> {
  await promisify(execFile)('/usr/lib/rabbitmq/bin/rabbitmqctl', ['--quiet', 'eval', `${expression}.`], {
    env: {
      PATH: process.env.PATH,
      HOME: `${folder}/data/home`,
      ERL_EPMD_PORT: String(portBase + 369),
      RABBITMQ_NODENAME: 'kiln-testbed@localhost',
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
    },
    timeout: 60_000,
  });
}

/** A virtual host of one's own, in which nothing is. */
export async function makeVirtualHost(): Promise<{
  url(port?: number): string;
  cutAll(): Promise<void>;
  /** The processes of the queues hang, or go on: the broker lives, and answers nothing that has to do with a queue. */
  queuesHang(hang: boolean): Promise<void>;
  close(): Promise<void>;
}> {
  const name = `kiln-test-${process.pid}-${process.hrtime.bigint()}`;
  await evaluate(
    `rabbit_vhost:add(<<"${name}">>, <<"test">>), rabbit_auth_backend_internal:set_permissions(` +
      `<<"guest">>, <<"${name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)`,
  );
  return {
    url: (port = brokerPort) => `rabbit://guest:guest@127.0.0.1:${port}/${name}`,
    /** As an administrator's `rabbitmqctl close_all_connections`. */
    cutAll: () =>
      evaluate(
        `[rabbit_networking:close_connection(P, "cut by a test") || P <- rabbit_networking:connections(), ` +
          `rabbit_networking:connection_info(P, [vhost]) =:= [{vhost, <<"${name}">>}]]`,
      ),
    queuesHang: (hang) =>
      evaluate(
        `[sys:${hang ? 'suspend' : 'resume'}(element(1, amqqueue:get_pid(Q))) || Q <- rabbit_amqqueue:list(<<"${name}">>)]`,
      ),
    close: () => evaluate(`rabbit_vhost:delete(<<"${name}">>, <<"test">>)`),
  };
}
