import { createHash } from 'node:crypto';

const fields = [
  'binary:Package',
  'Version',
  'Architecture',
  'source:Package',
  'source:Version',
  'Maintainer',
  'db:Status-Status',
];
/** The columns that `parseInstalled` reads, for `dpkg-query --show --showformat`. */
export const installedFormat = `${fields.map((field) => `\${${field}}`).join('\\t')}\\n`;

export interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  source: string;
  sourceVersion: string;
  maintainer: string;
}

/** The packages of a tree by its dpkg database, sorted by name; those that are only configured leftovers are not in it. */
export function parseInstalled(output: string): InstalledPackage[] {
  return output
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((fields) => fields[6] === 'installed')
    .map(([name = '', version = '', architecture = '', source = '', sourceVersion = '', maintainer = '']) => ({
      name: name.replace(/:.*/, ''),
      version,
      architecture,
      source,
      sourceVersion,
      maintainer,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface ImageDescription {
  name: string;
  sha512: string;
  kilnVersion: string;
  release: string;
  /** ISO 8601. */
  builtAt: string;
}

/** What is in the image and comes from no package of Debian's. */
export interface FurtherComponent {
  name: string;
  version: string;
  licence: string;
}

/** The software bill of materials, as CycloneDX 1.5. Its serial number follows from its content. */
export function renderBillOfMaterials(
  image: ImageDescription,
  packages: readonly InstalledPackage[],
  further: readonly FurtherComponent[],
): string {
  const ofOthers = further.map(({ name, version, licence }) => {
    const purl = `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
    return { type: 'application', 'bom-ref': purl, name, version, licenses: [{ license: { id: licence } }], purl };
  });
  const ofDebian = packages.map((one) => {
    const purl =
      `pkg:deb/debian/${encodeURIComponent(one.name)}@${encodeURIComponent(one.version)}` +
      `?arch=${one.architecture}&distro=${image.release}` +
      `&upstream=${encodeURIComponent(`${one.source}@${one.sourceVersion}`)}`;
    return {
      type: 'library',
      'bom-ref': purl,
      supplier: { name: one.maintainer },
      name: one.name,
      version: one.version,
      purl,
    };
  });
  const components = [...ofDebian, ...ofOthers];
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: image.builtAt,
      tools: { components: [{ type: 'application', name: 'kiln', version: image.kilnVersion }] },
      component: {
        type: 'operating-system',
        'bom-ref': 'image',
        name: image.name,
        hashes: [{ alg: 'SHA-512', content: image.sha512 }],
      },
    },
    components,
    dependencies: [{ ref: 'image', dependsOn: components.map(({ purl }) => purl) }],
  };
  const digest = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  const serial = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return `${JSON.stringify({ serialNumber: `urn:uuid:${serial}`, ...document }, null, 2)}\n`;
}
