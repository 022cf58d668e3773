import type { CloudObject, OwnerClaim } from '../../model/cloud-object.ts';

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const nameOfServer = new RegExp(`^amphora-(${uuid})$`);
/** `[nova] random_amphora_name_length`. */
const randomNameOfServer = /^a[A-Z0-9]{7,254}$/;
const nameOfAmphoraPort = new RegExp(`^octavia-lb-(?:vrrp|member)-(${uuid})(?:-|$)`);
const deviceOfVip = new RegExp(`^lb-(${uuid})$`);
const nameOfGroup = new RegExp(`^(?:octavia-)?lb-(?:vrrp-)?(${uuid})$`);

/** Of the tries of an image, by the amphora of the first one. */
const nameOfProbeGroup = new RegExp(`^octavia-probe-(${uuid})$`);

const nobody: OwnerClaim = { loadBalancerId: null, amphoraId: null, serverId: null, serverName: null };

/**
 * For whom an object was made, as its name and device tell: the forms in which Kiln names what it makes, which are Octavia's.
 * Null: it is of no such form, and none of ours. Whether the owner was ever Kiln's, the database tells.
 */
export function ownerClaimOf(object: CloudObject): OwnerClaim | null {
  if (object.kind === 'port') return claimOfPort(object);
  if (!object.isInOwnProject) return null;
  if (object.kind === 'server') return claimOfServer(object);
  const amphoraId = object.kind === 'server group' ? nameOfProbeGroup.exec(object.name)?.[1] : undefined;
  if (amphoraId !== undefined) return { ...nobody, amphoraId };
  const loadBalancerId = nameOfGroup.exec(object.name)?.[1];
  return loadBalancerId === undefined ? null : { ...nobody, loadBalancerId };
}

function claimOfServer({ id, name }: CloudObject): OwnerClaim | null {
  const amphoraId = nameOfServer.exec(name)?.[1] ?? null;
  if (amphoraId !== null) return { ...nobody, amphoraId, serverId: id };
  return randomNameOfServer.test(name) ? { ...nobody, serverId: id, serverName: name } : null;
}

/** VIPs are in their users' projects, who may call them what they like: they are known by their device, as when they are released. */
function claimOfPort({ name, deviceId, deviceOwner, isInOwnProject }: CloudObject): OwnerClaim | null {
  const loadBalancerId = deviceOwner === 'Octavia' ? deviceOfVip.exec(deviceId)?.[1] : undefined;
  if (loadBalancerId !== undefined) return { ...nobody, loadBalancerId };
  const amphoraId = isInOwnProject ? nameOfAmphoraPort.exec(name)?.[1] : undefined;
  return amphoraId === undefined ? null : { ...nobody, amphoraId, serverId: deviceId === '' ? null : deviceId };
}
