/** VIPs in keepalived's configuration of a UDP or SCTP listener: the first words in its `virtual_server_group`s. */
export function lvsAddressesOf(configuration: string): string[] {
  return [...configuration.matchAll(/^virtual_server_group [^{]*\{([^}]*)\}/gm)].flatMap(([, group = '']) =>
    group
      .split('\n')
      .map((line) => line.trim().split(/\s+/, 1)[0] ?? '')
      .filter((address) => address !== ''),
  );
}
