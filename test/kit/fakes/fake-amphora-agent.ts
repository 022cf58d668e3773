import { createHash } from 'node:crypto';
import { type ServiceCall, ServiceError } from '../../../src/model/errors.ts';
import type { AgentInfo, AmphoraAgent, VipInterface } from '../../../src/ports/amphora-agent.ts';
import { type Switches, withSwitches } from '../fault-injection.ts';
import type { Memory } from './memory.ts';

/** What one agent has been asked for. Keys of `objects` are load balancers' IDs; of `lvs`, listeners'. */
export interface FakeAmphora {
  objects: Map<string, { configuration: string; running: boolean; files: Map<string, string> }>;
  lvs: Map<string, { configuration: string; running: boolean }>;
  /** MAC address → name and addresses. */
  interfaces: Map<string, { name: string; addresses: string[] }>;
  vrrp: { configuration: string; running: boolean } | null;
  agentCertificate: string | null;
  agentConfiguration: string | null;
}

export type FakeAmphoraAgent = AmphoraAgent &
  Switches<keyof AmphoraAgent> & {
    /** The state of one amphora; made when it is first asked for. */
    amphora(id: string): FakeAmphora;
    /** Everything that they know, to be looked at and put back as a whole. */
    memory: Memory;
  };

/** Agents of any number of amphorae, in memory. HAProxy is not asked: a configuration with the word "bogus" is refused. */
export function createFakeAmphoraAgent(info: Partial<AgentInfo> = {}): FakeAmphoraAgent {
  const amphorae = new Map<string, FakeAmphora>();
  const at = (id: string): FakeAmphora => {
    const found = amphorae.get(id) ?? {
      objects: new Map(),
      lvs: new Map(),
      interfaces: new Map(),
      vrrp: null,
      agentCertificate: null,
      agentConfiguration: null,
    };
    amphorae.set(id, found);
    return found;
  };
  const filesOf = (id: string, objectId: string) => {
    const { objects } = at(id);
    const object = objects.get(objectId) ?? { configuration: '', running: false, files: new Map<string, string>() };
    objects.set(objectId, object);
    return object.files;
  };
  const plug = (id: string, macAddress: string, name: string, addresses: string[]) => {
    at(id).interfaces.set(macAddress, { name, addresses });
  };

  const port: AmphoraAgent = {
    getInfo: async () => ({
      hostname: 'amphora',
      apiVersion: '1.0',
      haproxyVersion: '2.6',
      agentVersion: '0.1.0',
      imageName: 'amphora',
      imageVersion: '1.0',
      ...info,
    }),
    getDetails: async ({ id }) => ({
      hostname: 'amphora',
      haproxyVersion: '2.6',
      cpuCount: 1,
      activeTunedProfiles: [],
      memoryKiB: null,
      runningHaproxyCount: [...at(id).objects.values()].filter(({ running }) => running).length,
      listenerIds: frontends(at(id)).map((listener) => listener.id),
    }),
    listListeners: async ({ id }) => frontends(at(id)),

    async uploadHaproxyConfiguration({ id }, objectId, configuration) {
      const path = `/1.0/loadbalancer/${id}/${objectId}/haproxy`;
      if (configuration.includes('bogus')) throw refused(id, 'PUT', path, 400, "unknown keyword 'bogus'");
      const { objects } = at(id);
      const before = objects.get(objectId);
      objects.set(objectId, { running: false, files: new Map(), ...before, configuration });
    },
    async uploadLvsConfiguration({ id }, listenerId, configuration) {
      at(id).lvs.set(listenerId, { running: false, ...at(id).lvs.get(listenerId), configuration });
    },
    async act({ id }, objectId, action) {
      const object = at(id).objects.get(objectId) ?? at(id).lvs.get(objectId);
      if (!object?.configuration) {
        const path = `/1.0/loadbalancer/${objectId}/${action}`;
        throw refused(id, 'PUT', path, 404, `Loadbalancer Not Found: No loadbalancer with UUID: ${objectId}`);
      }
      object.running = action !== 'stop';
    },
    async deleteListener({ id }, objectId) {
      at(id).objects.delete(objectId);
      at(id).lvs.delete(objectId);
    },

    async uploadVrrpConfiguration({ id }, configuration) {
      at(id).vrrp = { running: false, ...at(id).vrrp, configuration };
    },
    async actOnVrrp({ id }, action) {
      const { vrrp } = at(id);
      if (!vrrp || (action === 'reload' && !vrrp.running)) {
        throw refused(id, 'PUT', `/1.0/vrrp/${action}`, 500, `Failed to ${action} octavia-keepalived service`);
      }
      vrrp.running = action !== 'stop';
    },

    async uploadCertificate({ id }, objectId, fileName, pem) {
      filesOf(id, objectId).set(fileName, pem);
    },
    async getCertificateMd5({ id }, objectId, fileName) {
      const pem = at(id).objects.get(objectId)?.files.get(fileName);
      return pem === undefined ? null : createHash('md5').update(pem).digest('hex');
    },
    async deleteCertificate({ id }, objectId, fileName) {
      at(id).objects.get(objectId)?.files.delete(fileName);
    },

    async plugVip({ id }, vipAddress, vip) {
      if (at(id).interfaces.has(vip.macAddress)) return;
      plug(id, vip.macAddress, 'eth1', addressesOf(vipAddress, vip));
    },
    async plugNetwork({ id }, network) {
      const vip = network.vip ? addressesOf(network.vip.vipAddress, network.vip) : [];
      const addresses = [...new Set([...vip, ...network.fixedIps.map((fixed) => fixed.ipAddress)])];
      const { interfaces } = at(id);
      const taken = [...interfaces.values()].map((plugged) => plugged.name);
      let free = 2;
      while (taken.includes(`eth${free}`)) free++;
      const name = interfaces.get(network.macAddress)?.name ?? `eth${free}`;
      plug(id, network.macAddress, name, addresses);
    },
    async getInterface({ id }, ipAddress) {
      for (const { name, addresses } of at(id).interfaces.values()) if (addresses.includes(ipAddress)) return name;
      return null;
    },

    async rotateAgentCertificate({ id }, pem) {
      at(id).agentCertificate = pem;
    },
    showsCertificate: async ({ id }, pem) => at(id).agentCertificate?.startsWith(pem) ?? false,
    async updateAgentConfiguration({ id }, configuration) {
      at(id).agentConfiguration = configuration;
    },
  };
  return { ...withSwitches(port), amphora: at, memory: { amphorae } };
}

function frontends({ objects }: FakeAmphora): Array<{ id: string; status: string; type: string }> {
  return [...objects.values()].flatMap(({ configuration }) =>
    [...configuration.matchAll(/^frontend (\S+)$[\s\S]*?^\s+mode (\S+)/gm)].map(([, id = '', mode = '']) => ({
      id,
      status: 'ACTIVE',
      type: mode.toUpperCase(),
    })),
  );
}

function refused(id: string, method: string, path: string, status: number, serviceMessage: string): ServiceError {
  const call: ServiceCall = {
    service: 'amphora-agent',
    method,
    path,
    status,
    serviceMessage,
    requestId: null,
    retryAfterSeconds: null,
    outcomeUnknown: false,
  };
  return new ServiceError(
    'AGENT_REFUSED',
    `the fake agent of amphora ${id} answers ${status}: ${serviceMessage}`,
    call,
  );
}

function addressesOf(vipAddress: string, { additionalVips, vrrpIp }: VipInterface): string[] {
  return [vipAddress, ...additionalVips.map(({ ipAddress }) => ipAddress), ...(vrrpIp === null ? [] : [vrrpIp])];
}
