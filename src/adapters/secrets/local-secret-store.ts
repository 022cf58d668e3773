import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from '../../lib/atomic-files.ts';
import { KilnError } from '../../model/errors.ts';
import type { SecretFolder, StoredSecret } from '../../ports/secret-folder.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import { largestSecretBytes } from './limits.ts';
import { type SecretId, secretIdOf } from './reference.ts';

/**
 * The key manager of one machine: a folder with a file for each secret, named by its UUID, as it was given, readable by
 * its owner alone; a name that it was given stands beside it in `UUID.name`, the project that owns it in `UUID.project`:
 * for the load balancers of others it isn't there, and one without an owner is there for nobody. Octavia's own
 * LocalCertManager keeps `UUID.crt`, `UUID.key` and `UUID.int` instead, without owners: these are read too, once adopted.
 */
export function createLocalSecretStore(folder: string): SecretStore & SecretFolder {
  const keeping = <Value>(work: Promise<Value>) => work.catch(unusableFolder(folder));
  const read = async (reference: string, projectId: string) => {
    const id = requireId(reference);
    const owner = await readBeside(folder, id, 'project');
    if (owner === null || owner !== projectId) throw noSecret(reference);
    return await readSecret(folder, id, reference);
  };
  return {
    getCertificate: async (reference, projectId) => (await readers()).readCertificate(await read(reference, projectId)),
    getCaCertificates: async (reference, projectId) =>
      (await readers()).readCaCertificates(await read(reference, projectId)),
    getRevocationList: async (reference, projectId) =>
      (await readers()).readRevocationList(await read(reference, projectId)),

    async store(content, name, projectId) {
      const described = await describe(content);
      if (described.failure) throw described.failure;
      const id = randomUUID();
      await keeping(mkdir(folder, { recursive: true, mode: 0o700 }));
      for (const [suffix, text] of [
        ['name', name],
        ['project', projectId],
      ] as const) {
        if (text !== null) await keeping(writeFile(join(folder, `${id}.${suffix}`), text, { mode: 0o600 }));
      }
      // Last: from here on it can be referred to.
      await keeping(writeFileAtomically(join(folder, id), content));
      return storedSecret(folder, id);
    },

    async list() {
      const files = await keeping(readdir(folder).catch(ignoring('ENOENT', [] as string[])));
      const ids = new Set(files.map((file) => file.replace(/\.crt$/, '')).filter((id) => secretIdOf(id) === id));
      const secrets = await Promise.all([...ids].map((id) => storedSecret(folder, id)));
      return secrets.sort((one, other) =>
        `${one.storedAt} ${one.reference}` < `${other.storedAt} ${other.reference}` ? -1 : 1,
      );
    },

    async adopt(reference, projectId) {
      const secret = await storedSecret(folder, requireId(reference));
      if (secret.projectId !== null && secret.projectId !== projectId)
        throw ownedBy(secret.projectId, secret.reference);
      if (secret.projectId === null) {
        await keeping(writeFileAtomically(join(folder, `${secret.reference}.project`), Buffer.from(projectId)));
      }
      return { ...secret, projectId };
    },

    get: async (reference) => storedSecret(folder, requireId(reference)),

    async delete(reference) {
      const id = requireId(reference);
      const secret = await storedSecret(folder, id);
      for (const suffix of ['.name', '', ...octaviaSuffixes, '.project']) {
        await keeping(rm(join(folder, `${id}${suffix}`), { force: true }));
      }
      return secret;
    },
  };
}

/** Loaded, with all that reads X.509, where there is a secret to be read. */
const readers = () => import('./read-secret.ts');

function unusableFolder(folder: string): (error: unknown) => never {
  return (cause) => {
    throw new KilnError('STATE_UNUSABLE', `secrets can't be kept in ${folder}: ${(cause as Error).message}`, {
      advice: 'Let [certificates] storage_path name a folder that Kiln may write to.',
      cause,
    });
  };
}

const octaviaSuffixes = ['.crt', '.key', '.int'];

async function storedSecret(folder: string, id: SecretId): Promise<StoredSecret> {
  const { failure, ...described } = await readSecret(folder, id, id).then(describe, unusable);
  const found = (await statIfThere(join(folder, id))) ?? (await stat(join(folder, `${id}.crt`)));
  return {
    reference: id,
    name: await readBeside(folder, id, 'name'),
    projectId: await readBeside(folder, id, 'project'),
    ...described,
    problem: failure?.message ?? null,
    storedAt: found.mtime.toISOString(),
  };
}

type Description = Pick<StoredSecret, 'kind' | 'subject' | 'notAfter'> & { failure: KilnError | null };

/** The first kind that `content` can be. Not any: the reason why it is no certificate, which most of them shall be. */
async function describe(content: Uint8Array): Promise<Description> {
  const plain = { subject: null, notAfter: null, failure: null };
  const { readCertificate, readCaCertificates, readRevocationList } = await readers();
  try {
    const { commonName, dnsNames, notAfter } = await readCertificate(content);
    return { kind: 'certificate', subject: commonName ?? dnsNames[0] ?? null, notAfter, failure: null };
  } catch (error) {
    if (await succeeds(readCaCertificates(content))) return { ...plain, kind: 'ca-certificates' };
    if (await succeeds(readRevocationList(content))) return { ...plain, kind: 'revocation-list' };
    return { ...plain, kind: 'unusable', failure: error as KilnError };
  }
}

/** One that can't be read stands in the list all the same; one that isn't there doesn't. */
function unusable(failure: KilnError): Description {
  if (failure.message.startsWith('There is no secret')) throw failure;
  return { kind: 'unusable', subject: null, notAfter: null, failure };
}

const succeeds = (attempt: Promise<unknown>) =>
  attempt.then(
    () => true,
    () => false,
  );

function requireId(reference: string): SecretId {
  const id = secretIdOf(reference);
  if (id === null) {
    throw new KilnError('SECRET_NOT_FOUND', `${JSON.stringify(reference)} is no reference to a secret.`, {
      advice: 'A reference is a UUID, or a URL that ends in one; `kiln secret list` shows those that lead somewhere.',
    });
  }
  return id;
}

async function readSecret(folder: string, id: SecretId, reference: string): Promise<Buffer> {
  const own = await readLimited(join(folder, id));
  if (own) return own;
  const parts = await Promise.all(octaviaSuffixes.map((suffix) => readLimited(join(folder, `${id}${suffix}`))));
  const found = parts.filter((part) => part !== null).flatMap((part) => [part, Buffer.from('\n')]);
  if (found.length > 0) return Buffer.concat(found);
  throw noSecret(reference);
}

function noSecret(reference: string): KilnError {
  return new KilnError('SECRET_NOT_FOUND', `There is no secret ${reference}.`, {
    advice:
      '`kiln secret store FILE --project ID` stores one, `kiln secret list` shows those that are there and whose they are; ' +
      '`kiln secret adopt` gives an owner to one that has none.',
  });
}

function ownedBy(projectId: string, reference: string): KilnError {
  return new KilnError('RESOURCE_CONFLICT', `secret ${reference} belongs to project ${projectId}`, {
    advice: 'Store it once more for the other project: a secret has one owner.',
  });
}

/** What is written down about a secret, null where nothing is. */
async function readBeside(folder: string, id: SecretId, what: 'name' | 'project'): Promise<string | null> {
  const text = await readFile(join(folder, `${id}.${what}`), 'utf8').catch(ignoring('ENOENT', null));
  return text?.trim() || null;
}

/** At most a byte more than a secret may have, whatever the file's size: the one byte is what the reader refuses. */
async function readLimited(file: string): Promise<Buffer | null> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file);
    const buffer = Buffer.alloc(largestSecretBytes + 1);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      filled += bytesRead;
      if (bytesRead === 0 || filled === buffer.length) return buffer.subarray(0, filled);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    // Without the path, which is no business of those who refer to it.
    throw new KilnError('SECRET_NOT_FOUND', `The secret ${basename(file)} can not be read: ${code}.`);
  } finally {
    await handle?.close();
  }
}

const statIfThere = (file: string) => stat(file).catch(ignoring('ENOENT', null));

function ignoring<Value>(code: string, instead: Value): (error: NodeJS.ErrnoException) => Value {
  return (error) => {
    if (error.code === code) return instead;
    throw error;
  };
}
