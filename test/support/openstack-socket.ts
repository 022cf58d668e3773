import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { openstackClients } from './openstack-client.ts';

/**
 * Serves `openstack` to shell scripts (test/devstack/bin/openstack) over a Unix socket. Each command has to begin with
 * `--os-cloud NAME`: nothing else says who asks.
 */
export async function serveOpenstack(
  cloudsFile: string,
  socket: string,
): Promise<{ commands: string[][]; close(): Promise<void> }> {
  const clients = openstackClients(cloudsFile);
  const commands: string[][] = [];
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy()); // the script was killed
    createInterface({ input: connection }).once('line', (line) => {
      void answer(JSON.parse(line)).then((ran) => connection.end(JSON.stringify(ran)));
    });
  });

  async function answer(arguments_: string[]) {
    const [option, cloudName, ...command] = arguments_;
    if (option !== '--os-cloud' || cloudName === undefined)
      return { status: 2, stdout: '', stderr: 'no --os-cloud at the beginning\n' };
    commands.push(command);
    return await clients.run(cloudName, command);
  }

  server.listen(socket);
  await once(server, 'listening');
  return {
    commands,
    async close() {
      server.close();
      await clients.close();
    },
  };
}
