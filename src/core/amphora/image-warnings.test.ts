import { expect, it } from 'vitest';
import type { Image } from '../../model/image.ts';
import { imageWarnings } from './image-warnings.ts';

const none = { ampImageId: '', ampImageTag: 'amphora', ampImageOwnerId: '', ampImageTagPolicy: 'newest' } as const;
const image = { tags: [] as string[], owner: 'f3' } as unknown as Image;

it('is silent when all is well', () => {
  expect(imageWarnings(none, null, '77')).toEqual([]);
  expect(imageWarnings({ ...none, ampImageOwnerId: '77' }, null, '77')).toEqual([]);
});

it("gives the commands to move to the tag, with this cloud's IDs", () => {
  const [warning] = imageWarnings({ ...none, ampImageId: 'id-1', ampImageTag: '' }, image, '77');
  expect(warning).toContain('1. openstack image set --tag amphora id-1;');
  expect(warning).toContain('2. in octavia.conf, [controller_worker]: amp_image_tag = amphora;');
  expect(warning).toContain('3. in octavia.conf, [controller_worker]: amp_image_owner_id = f3;');
  expect(warning).toContain('4. take amp_image_id out of octavia.conf; 5. send SIGHUP');
});

it('quotes a tag that the shell would take apart', () => {
  const [warning] = imageWarnings({ ...none, ampImageId: 'id-1', ampImageTag: "it's new" }, image, '77');
  expect(warning).toContain(`openstack image set --tag 'it'\\''s new' id-1`);
});

it('leaves out what is done already', () => {
  const tagged = { ...image, tags: ['mine'], owner: '77' } as Image;
  const [warning] = imageWarnings({ ...none, ampImageId: 'id-1', ampImageTag: 'mine' }, tagged, '77');
  expect(warning).toContain('1. take amp_image_id out');
});

it('still helps when neither Glance nor Keystone could say anything', () => {
  const [warning] = imageWarnings({ ...none, ampImageId: 'id-1' }, null, null);
  expect(warning).toContain('1. openstack image set --tag amphora id-1; 2. take amp_image_id');
});

it('warns of the owner `any`', () => {
  expect(imageWarnings({ ...none, ampImageOwnerId: 'any' }, null, '77')[0]).toContain('any tenant');
});
