import type { AmphoraAgent } from '../../ports/amphora-agent.ts';

/** `amphora_noop_driver`: an agent that accepts everything, and that nobody is behind. */
export function createNoopAgent(): AmphoraAgent {
  const nothing = async () => {};
  return {
    getInfo: async ({ id }) => ({
      hostname: id,
      apiVersion: '1.0',
      haproxyVersion: '2.6.12',
      agentVersion: null,
      imageName: null,
      imageVersion: null,
    }),
    getDetails: async ({ id }) => ({
      hostname: id,
      haproxyVersion: '2.6.12',
      cpuCount: null,
      activeTunedProfiles: [],
      memoryKiB: null,
      runningHaproxyCount: null,
      listenerIds: [],
    }),
    listListeners: async () => [],
    uploadHaproxyConfiguration: nothing,
    uploadLvsConfiguration: nothing,
    act: nothing,
    deleteListener: nothing,
    uploadVrrpConfiguration: nothing,
    actOnVrrp: nothing,
    uploadCertificate: nothing,
    getCertificateMd5: async () => null,
    deleteCertificate: nothing,
    plugVip: nothing,
    plugNetwork: nothing,
    getInterface: async () => 'eth1',
    rotateAgentCertificate: nothing,
    showsCertificate: async () => true,
    updateAgentConfiguration: nothing,
  };
}
