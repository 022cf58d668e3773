import { isIP } from 'node:net';
import { shortestAddress } from '../../core/network/address.ts';
import { PlugError } from '../host.ts';
import type { Logger } from '../logger.ts';
import { changeNetwork, readNetwork, runInNamespace } from './commands.ts';
import { renderFirewall } from './firewall.ts';
import { familyOf, type InterfacePlan, mainTable, type PlannedRoute, routeKey } from './interface-plan.ts';
import { renderMasquerade } from './masquerade.ts';

/** What `ip -json` shows, as far as it is read here. */
interface ShownLink {
  addr_info?: Array<{ local?: string; prefixlen?: number; scope?: string; dynamic?: boolean }>;
}
interface ShownRoute {
  dst: string;
  gateway?: string;
  prefsrc?: string;
  table?: string | number;
}
interface ShownRule {
  src?: string;
  srclen?: number;
  table?: string | number;
  protocol?: string | number;
}

/**
 * Makes an interface of the namespace what the plan says, whatever it is now: what is right already is not touched, so that
 * connections live through it. @throws PlugError when addresses or rules can't be set; a route that the kernel refuses is reported to
 * the log alone, since users name some of them.
 */
export async function applyPlan(plan: InterfacePlan, logger: Logger): Promise<void> {
  const { name, mtu, firewall } = plan;
  // First: nothing reaches the amphora by an interface before its rules are there.
  if (firewall) await loadPacketRules(renderFirewall(name, firewall));
  await loadPacketRules(renderMasquerade(name, { tracksTcp: firewall !== null }));
  const mtuLines = mtu === null ? [] : [`link set dev ${name} mtu ${mtu}`];
  throwIfAny(await changeNetwork(4, [...mtuLines, `link set dev ${name} up`]));
  for (const family of [4, 6] as const) {
    const [links, routes, rules] = await readNetwork(family, [
      `address show dev ${name}`,
      `route show table all dev ${name} proto static`,
      'rule show',
    ]);
    throwIfAny(await changeNetwork(family, addressChanges(plan, family, (links ?? []) as ShownLink[])));
    for (const fault of await changeNetwork(family, routeChanges(plan, family, (routes ?? []) as ShownRoute[]))) {
      logger('warning', 'a route can not be set', { interface: name, fault });
    }
    if (plan.carriesVip)
      throwIfAny(await changeNetwork(family, ruleChanges(plan, family, (rules ?? []) as ShownRule[])));
  }
}

async function loadPacketRules(text: string): Promise<void> {
  const { status, stderr } = await runInNamespace('nft', ['-f', '-'], text);
  if (status !== 0) throw new PlugError(`nft: ${stderr.trim()}`);
}

function throwIfAny(faults: readonly string[]): void {
  if (faults.length > 0) throw new PlugError(faults.join('\n'));
}

/** Lines for `ip -batch`. Addresses of the link itself and those that the network gave are left as they are. */
export function addressChanges(plan: InterfacePlan, family: 4 | 6, shown: readonly ShownLink[]): string[] {
  const wanted = plan.addresses.filter(({ address }) => familyOf(address) === family);
  const key = (address: string, prefixLength: number) => `${shortestAddress(address)}/${prefixLength}`;
  const known = new Set(wanted.map(({ address, prefixLength }) => key(address, prefixLength)));
  const present = new Set(
    shown
      .flatMap(({ addr_info: all = [] }) => all)
      .filter(({ local, scope, dynamic }) => local && isIP(local) === family && !isLinkScope(scope) && !dynamic)
      .map(({ local = '', prefixlen = 0 }) => key(local, prefixlen)),
  );
  // No duplicate address detection: the address is Neutron's to give, and the amphora that this one replaces may still have it.
  const flags = family === 6 ? ' nodad' : '';
  return [
    ...wanted
      .filter(({ address, prefixLength, ours }) => ours && !present.has(key(address, prefixLength)))
      .map(({ address, prefixLength }) => `address add ${address}/${prefixLength} dev ${plan.name}${flags}`),
    ...[...present].filter((one) => !known.has(one)).map((one) => `address del ${one} dev ${plan.name}`),
  ];
}

/** `-N` shows the number of a scope, without it the name. */
function isLinkScope(scope: string | undefined): boolean {
  return scope === 'link' || scope === '253';
}

/** Lines for `ip -batch`. Routes that others made (the kernel, keepalived) are not shown here. */
export function routeChanges(plan: InterfacePlan, family: 4 | 6, shown: readonly ShownRoute[]): string[] {
  const wanted = plan.routes.filter(({ destination }) => familyOf(destination) === family);
  const present = new Map(shown.map((route) => routeOf(route, family)).map((route) => [routeKey(route), route]));
  const known = new Set(wanted.map(routeKey));
  return [
    ...wanted.filter((route) => !present.has(routeKey(route))).map((route) => routeLine('add', route, plan.name)),
    ...[...present].filter(([key]) => !known.has(key)).map(([, route]) => routeLine('del', route, plan.name)),
  ];
}

function routeOf({ dst, gateway, prefsrc, table }: ShownRoute, family: 4 | 6): PlannedRoute {
  const all = family === 6 ? '::/0' : '0.0.0.0/0';
  const destination = dst === 'default' ? all : dst.includes('/') ? dst : `${dst}/${family === 6 ? 128 : 32}`;
  return {
    destination,
    gateway: gateway ? shortestAddress(gateway) : null,
    source: prefsrc ? shortestAddress(prefsrc) : null,
    table: table === undefined || table === 'main' ? mainTable : Number(table),
  };
}

function routeLine(action: 'add' | 'del', { destination, gateway, source, table }: PlannedRoute, name: string): string {
  const words = ['route', action, destination];
  if (gateway !== null) words.push('via', gateway);
  words.push('dev', name);
  if (gateway !== null && action === 'add') words.push('onlink');
  if (gateway === null && familyOf(destination) === 4) words.push('scope', 'link');
  if (source !== null) words.push('src', source);
  return [...words, 'table', String(table), 'proto', 'static'].join(' ');
}

/** Lines for `ip -batch`. Rules of the kernel (2) and of keepalived (18) are left alone. */
export function ruleChanges(plan: InterfacePlan, family: 4 | 6, shown: readonly ShownRule[]): string[] {
  const host = family === 6 ? 128 : 32;
  const key = (source: string, length: number, table: string | number) =>
    `from ${shortestAddress(source)}/${length} table ${table}`;
  const wanted = plan.rules
    .filter(({ source }) => familyOf(source) === family)
    .map(({ source, table }) => key(source, host, table));
  const present = shown
    .filter(({ src, protocol }) => src && src !== 'all' && !/^(2|18|kernel|keepalived)$/.test(String(protocol)))
    .map(({ src = '', srclen = host, table = mainTable }) => key(src, srclen, table));
  return [
    ...wanted.filter((one) => !present.includes(one)).map((one) => `rule add ${one} protocol static`),
    ...present.filter((one) => !wanted.includes(one)).map((one) => `rule del ${one}`),
  ];
}
