import { type Static, Type } from 'typebox';
import type { CloudObject, CloudObjectKind } from '../../model/cloud-object.ts';
import { noneIfGone } from '../../model/errors.ts';
import type { CloudInventory } from '../../ports/cloud-inventory.ts';
import { type Reader, readerOf } from './answers.ts';
import { invalidAnswer } from './failures.ts';
import type { HttpAnswer } from './http.ts';
import { type ServiceClient, segment } from './service-client.ts';

/** Of one page; services may have smaller ones, and say so by a link to the next one. */
const PAGE_SIZE = 1_000;
/** Neutron shows rules and addresses as well, unless it is asked for what is wanted. */
const FIELDS = ['id', 'name', 'project_id', 'tenant_id', 'device_id', 'device_owner', 'created_at'];

const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const entry = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: text,
  project_id: text,
  tenant_id: text,
  device_id: text,
  device_owner: text,
  created_at: text,
  // Nova's.
  created: text,
});
type Entry = Static<typeof entry>;
const links = Type.Optional(Type.Array(Type.Object({ rel: Type.String() })));

interface Page {
  entries: Entry[];
  hasNext: boolean;
  answer: HttpAnswer;
}

/** One kind of object: where it is, and how its answers are read. */
interface Collection {
  path: string;
  client: ServiceClient;
  headers: Record<string, string>;
  readPage: Reader<Page>;
  readOne: Reader<Entry>;
  /** By what the next page is asked for. */
  next(last: Entry, count: number): readonly [string, string];
}

/**
 * Lists of Nova and Neutron, all pages.
 * @param options.ownProjectId asked at each list.
 */
export function createCloudInventory(options: {
  compute: ServiceClient;
  network: ServiceClient;
  /** Of the microversion that is spoken with Nova. */
  computeHeaders: Record<string, string>;
  ownProjectId(): Promise<string>;
}): CloudInventory {
  const { compute, network, computeHeaders, ownProjectId } = options;
  const byMarker = ({ id }: Entry) => ['marker', id] as const;
  const neutron = { client: network, headers: {}, next: byMarker };
  const collections: Record<CloudObjectKind, Collection> = {
    server: {
      ...readersOf('server', 'servers'),
      path: '/servers',
      client: compute,
      headers: computeHeaders,
      next: byMarker,
    },
    port: { ...readersOf('port', 'ports'), ...neutron, path: '/ports' },
    'security group': { ...readersOf('security_group', 'security_groups'), ...neutron, path: '/security-groups' },
    'server group': {
      ...readersOf('server_group', 'server_groups'),
      path: '/os-server-groups',
      client: compute,
      headers: computeHeaders,
      // These have no links, and no markers.
      next: (_last, count) => ['offset', String(count)],
    },
  };

  async function readAll(
    collection: Collection,
    query: readonly (readonly [string, string])[],
    signal?: AbortSignal,
  ): Promise<Entry[]> {
    const { path, client, headers, readPage, next } = collection;
    const found = new Map<string, Entry>();
    let position: readonly (readonly [string, string])[] = [];
    while (true) {
      const asked = [...query, ['limit', String(PAGE_SIZE)] as const, ...position];
      const { entries, hasNext, answer } = await client.call(
        { method: 'GET', path, query: asked, headers, signal },
        readPage,
      );
      const countBefore = found.size;
      for (const one of entries) found.set(one.id, one);
      const last = entries.at(-1);
      if (!last || !hasNext) return [...found.values()];
      if (found.size === countBefore)
        throw invalidAnswer(answer.call, 'a page of its list has nothing but what came before');
      position = [next(last, found.size)];
    }
  }

  const toObject = (kind: CloudObjectKind, one: Entry, projectId: string): CloudObject => ({
    kind,
    id: one.id,
    name: one.name ?? '',
    deviceId: one.device_id ?? '',
    deviceOwner: one.device_owner ?? '',
    // Nova lists those of the own project alone.
    isInOwnProject: kind.startsWith('server') || (one.project_id ?? one.tenant_id) === projectId,
    createdAt: one.created_at ?? one.created ?? null,
  });
  const pathOf = (kind: CloudObjectKind, id: string) =>
    `${collections[kind].path}/${segment(`The ID of a ${kind}`, id)}`;

  return {
    async list(kind, signal) {
      const projectId = await ownProjectId();
      const collection = collections[kind];
      const fields = FIELDS.map((field) => ['fields', field] as const);
      const sorted = [['sort_key', 'id'], ['sort_dir', 'asc'], ...fields] as const;
      const queries: (readonly (readonly [string, string])[])[] = {
        server: [[]],
        'server group': [[]],
        port: [
          [['project_id', projectId], ...sorted],
          [['device_owner', 'Octavia'], ...sorted],
        ],
        'security group': [[['project_id', projectId], ...sorted]],
      }[kind] as never;
      const found = new Map<string, CloudObject>();
      for (const query of queries) {
        for (const one of await readAll(collection, query, signal)) found.set(one.id, toObject(kind, one, projectId));
      }
      return [...found.values()];
    },

    async find(kind, id) {
      const { client, headers, readOne } = collections[kind];
      const projectId = await ownProjectId();
      try {
        const one = await client.call({ method: 'GET', path: pathOf(kind, id), headers }, readOne);
        return toObject(kind, one, projectId);
      } catch (error) {
        return noneIfGone(error);
      }
    },

    async remove(kind, id) {
      const { client, headers } = collections[kind];
      await client.send({ method: 'DELETE', path: pathOf(kind, id), headers }).catch(noneIfGone);
    },
  };
}

/** `{ one: {…} }` and `{ many: [{…}], many_links: […] }`. */
function readersOf(one: string, many: string): Pick<Collection, 'readPage' | 'readOne'> {
  const readPage = readerOf(Type.Object({ [many]: Type.Array(entry), [`${many}_links`]: links }));
  const readOne = readerOf(Type.Object({ [one]: entry }));
  return {
    readPage(answer) {
      const page = readPage(answer) as Record<string, unknown>;
      const entries = page[many] as Entry[];
      const next = page[`${many}_links`] as { rel: string }[] | undefined;
      const isFull = entries.length >= PAGE_SIZE;
      return { entries, hasNext: next ? next.some(({ rel }) => rel === 'next') : isFull, answer };
    },
    readOne: (answer) => (readOne(answer) as Record<string, Entry>)[one] as Entry,
  };
}
