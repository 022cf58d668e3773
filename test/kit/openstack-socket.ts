import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { openstackClients } from './openstack-client.ts';

/** Serves `openstack --os-cloud NAME …` to shell scripts (test/kit/bin/openstack) over a Unix socket. */
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

  async function answer([_option, cloudName = '', ...command]: string[]) {
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
