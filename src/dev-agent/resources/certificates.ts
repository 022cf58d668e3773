import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import { Refusal, type Request, type Route } from '../router.ts';
import { apiVersion } from './discovery.ts';
import { objectId } from './identifiers.ts';

/** Certificates with their keys, CAs, and lists of certificates, for HAProxy. They are kept as they come. */
export function certificateRoutes(files: AgentFiles): Route[] {
  const path = `/${apiVersion}/loadbalancer/:id/certificates/:file`;
  const fileOf = (request: Request) => join(files.certificatesOf(objectId(request, 'id')), fileName(request));
  return [
    {
      method: 'PUT',
      path,
      handle: async (request) => {
        const file = fileOf(request);
        const body = await request.body();
        await writeWhole(file, body);
        return { status: 200, body: { message: 'OK' }, headers: { ETag: md5(body) } };
      },
    },
    {
      method: 'GET',
      path,
      handle: async (request) => {
        const content = await readFile(fileOf(request)).catch(nullIfAbsent);
        if (content === null) {
          const details = `No certificate with filename: ${fileName(request)}`;
          return { status: 404, body: { message: 'Certificate Not Found', details } };
        }
        return { status: 200, body: { md5sum: md5(content) }, headers: { ETag: md5(content) } };
      },
    },
    {
      method: 'DELETE',
      path,
      handle: async (request) => {
        await rm(fileOf(request), { force: true });
        return { status: 200, body: { message: 'OK' } };
      },
    },
  ];
}

/** Narrower than Octavia's agent is: nothing that leads out of the folder. */
function fileName(request: Request): string {
  const name = request.parameter('file');
  if (/^[\w-][\w.-]{0,200}\.pem$/.test(name)) return name;
  throw new Refusal({ status: 400, body: { message: 'Filename has wrong format' } });
}

function md5(content: Buffer): string {
  return createHash('md5').update(content).digest('hex');
}
