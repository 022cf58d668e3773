import { createHash, generateKeyPairSync } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as read from './body.ts';
import type { Compute } from './compute.ts';
import { badRequest, conflict, notFound } from './fault.ts';
import { page, queryOf } from './paging.ts';
import { type KeypairRow, timestamp } from './rows.ts';

type One = { Params: { name: string } };

/** The last microversion in which Nova makes keys itself. */
const lastMinorThatGenerates = 91;

export function keypairRoutes(app: FastifyInstance, compute: Compute): void {
  const { keypairs } = compute.tables;

  function find(request: FastifyRequest<One>): KeypairRow {
    const { user } = compute.callOf(request);
    const row = keypairs.get(`${user.userId}/${request.params.name}`);
    if (!row) throw notFound(`Keypair ${request.params.name} not found for user ${user.userId}`);
    return row;
  }

  app.get('/v2.1/os-keypairs', async (request) => {
    const { user, minor } = compute.callOf(request);
    // Nova's marker is the name; so is the ID of what is paged here.
    const own = keypairs.all().filter((row) => row.userId === user.userId);
    const named = own.map((row) => ({ id: row.name, row }));
    const { rows, links } = page(named, queryOf(request), `${compute.baseUrl()}/v2.1/os-keypairs`);
    return {
      keypairs: rows.map(({ row }) => ({ keypair: basic(row, minor) })),
      ...(links.length > 0 ? { keypairs_links: links } : {}),
    };
  });

  app.get<One>('/v2.1/os-keypairs/:name', async (request) => {
    const row = find(request);
    const dates = { created_at: row.createdAt, deleted: false, deleted_at: null, updated_at: null };
    const { minor } = compute.callOf(request);
    return { keypair: { ...basic(row, minor), ...dates, id: Number.parseInt(idOf(row), 16), user_id: row.userId } };
  });

  app.post('/v2.1/os-keypairs', async (request, reply) => {
    const { user, minor } = compute.callOf(request);
    const keypair = read.envelope(request.body, 'keypair');
    const optional = ['public_key', ...(minor >= 2 ? ['type'] : []), ...(minor >= 10 ? ['user_id'] : [])];
    read.checkKeys(keypair, 'keypair', minor > lastMinorThatGenerates ? ['name', 'public_key'] : ['name'], optional);
    const name = read.name(keypair.name, 'name');
    const id = `${user.userId}/${name}`;
    if (keypairs.get(id)) throw conflict(`Key pair '${name}' already exists.`);
    const given = read.optional(keypair.public_key, (value) => read.string(value, 'public_key', 1));
    const key = given === null ? generateKey() : { publicKey: given, privateKey: null };
    const type = read.optional(keypair.type, (value) => read.oneOf(value, 'type', ['ssh', 'x509'])) ?? 'ssh';
    const fingerprint = fingerprintOf(key.publicKey);
    const row: KeypairRow = {
      id,
      userId: user.userId,
      name,
      type,
      publicKey: key.publicKey,
      fingerprint,
      createdAt: timestamp(),
    };
    keypairs.put(row);
    reply.code(minor >= 2 ? 201 : 200);
    const secret = key.privateKey === null ? {} : { private_key: key.privateKey };
    return { keypair: { ...basic(row, minor), user_id: row.userId, ...secret } };
  });

  app.delete<One>('/v2.1/os-keypairs/:name', async (request, reply) => {
    keypairs.delete(find(request).id);
    return reply.code(compute.callOf(request).minor >= 2 ? 204 : 202).send();
  });
}

function basic(row: KeypairRow, minor: number) {
  const { name, publicKey, fingerprint, type } = row;
  return { name, public_key: publicKey, fingerprint, ...(minor >= 2 ? { type } : {}) };
}

/** Nova numbers key pairs; any number that stays the same will do. */
function idOf(row: KeypairRow): string {
  return createHash('md5').update(row.id).digest('hex').slice(0, 7);
}

/** MD5 over the key itself, in pairs of digits: how OpenSSH used to print it and Nova still does. */
export function fingerprintOf(publicKey: string): string {
  const blob = Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64');
  if (blob.length === 0) throw badRequest('Keypair data is invalid: failed to generate fingerprint');
  return createHash('md5')
    .update(blob)
    .digest('hex')
    .replace(/..(?!$)/g, '$&:');
}

/** A new RSA key: the public half in OpenSSH's form (RFC 4253, section 6.6), the private one in PEM. */
export function generateKey(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  const integer = (value: string) => Buffer.concat([Buffer.from([0]), Buffer.from(value, 'base64url')]);
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const exponent = Buffer.from(e, 'base64url');
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), field(exponent), field(integer(n))]);
  return {
    publicKey: `ssh-rsa ${blob.toString('base64')} Generated-by-Nova`,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  };
}
