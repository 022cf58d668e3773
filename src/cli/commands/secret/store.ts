import { readFile, stat } from 'node:fs/promises';
import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import { ownerOf, parseProject, remarkName } from './owner.ts';
import { hasEnded, renderSecret } from './render.ts';

/** Bytes. No secret is as large; what is should not even be read. */
const largestFile = 16 * 1024 * 1024;

export const secretStore = defineCommand<{ name?: string; project?: string }>({
  noun: 'secret',
  verb: 'store',
  summary: 'Keep a certificate for listeners and pools, and print the reference to it',
  description:
    'The file is a certificate with its key, as PKCS#12 without a passphrase or as PEM (certificate, key and ' +
    'intermediates, in any order); or certificates of authorities, or a revocation list, as PEM. It is kept in the folder of ' +
    'local_cert_manager, [certificates] storage_path. The reference is what --default-tls-container-ref, ' +
    '--client-ca-tls-container-ref and the like of `openstack loadbalancer` take.',
  arguments: [{ name: 'FILE', help: 'what to keep' }],
  options: [
    { flags: '--name <name>', help: 'a name, by which people know it again' },
    {
      flags: '--project <id>',
      help: 'the ID of the project whose load balancers may refer to it; needed',
      parse: parseProject,
    },
  ],
  examples: [
    'kiln secret store www.example.org.p12 --name shop --project 2a8d1a5c6f664f0f8a3b1b9a2a7c4d10',
    'kiln secret store certificate-key-and-chain.pem --project 2a8d1a5c6f664f0f8a3b1b9a2a7c4d10 --quiet',
    'kiln secret store client-ca.pem --name clients --project 2a8d1a5c6f664f0f8a3b1b9a2a7c4d10',
  ],
  exits: [],
  async run({ arguments: [file = ''], options, context, clock, remark }) {
    const projectId = ownerOf(options.project);
    const content = await read(file);
    const stored = await (await context.secrets()).store(content, options.name ?? null, projectId);
    remarkName(projectId, remark);
    if (hasEnded(stored, clock.now())) remark(`The certificate ended on ${stored.notAfter}.`);
    return { document: stored, ids: [stored.reference], render: (view) => renderSecret(stored, view) };
  },
});

async function read(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > largestFile) throw new KilnError('USAGE', `${file} has ${size} bytes: it is no certificate`);
    return await readFile(file);
  } catch (error) {
    if (error instanceof KilnError) throw error;
    throw new KilnError('USAGE', `${file} can't be read: ${(error as Error).message}`);
  }
}
