import { expect, it } from 'vitest';
import { installedFormat, parseInstalled, renderBillOfMaterials } from './bill-of-materials.ts';

const dpkg = [
  ['tar', '1.34+dfsg-1', 'amd64', 'tar', '1.34+dfsg-1', 'Janos <j@example.invalid>', 'installed'],
  ['gone', '1', 'all', 'gone', '1', 'Somebody', 'config-files'],
  ['libc6:amd64', '2.36-9', 'amd64', 'glibc', '2.36-9', 'GNU Libc', 'installed'],
]
  .map((fields) => `${fields.join('\t')}\n`)
  .join('');
const image = {
  name: 'amphora.qcow2',
  sha512: 'ab'.repeat(64),
  kilnVersion: '0.1.0',
  release: 'bookworm',
  builtAt: '2026-01-01T00:00:00.000Z',
};

it('asks dpkg for the columns that it reads', () => {
  expect(installedFormat).toMatch(/^\$\{binary:Package\}\\t.*\\t\$\{db:Status-Status\}\\n$/);
  expect(parseInstalled(dpkg).map(({ name, source }) => [name, source])).toEqual([
    ['libc6', 'glibc'],
    ['tar', 'tar'],
  ]);
});

it('names every package of the image by its package URL, and has a serial number that follows from the content', () => {
  const further = [{ name: 'node', version: '24.1.0', licence: 'MIT' }];
  const text = renderBillOfMaterials(image, parseInstalled(dpkg), further);
  const document = JSON.parse(text);
  expect(document).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    metadata: { component: { name: 'amphora.qcow2', hashes: [{ alg: 'SHA-512', content: image.sha512 }] } },
  });
  expect(document.components.map(({ purl }: { purl: string }) => purl)).toEqual([
    'pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=bookworm&upstream=glibc%402.36-9',
    'pkg:deb/debian/tar@1.34%2Bdfsg-1?arch=amd64&distro=bookworm&upstream=tar%401.34%2Bdfsg-1',
    'pkg:generic/node@24.1.0',
  ]);
  expect(document.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(renderBillOfMaterials(image, parseInstalled(dpkg), further)).toBe(text);
  expect(JSON.parse(renderBillOfMaterials(image, [], [])).serialNumber).not.toBe(document.serialNumber);
});
