import type { Case } from '../case.ts';
import { ampImageIdCases } from './amp-image-id.ts';
import { flavorCases } from './flavor.ts';
import { ownerCases } from './owner.ts';
import { releaseCases } from './release.ts';
import { unusableCases } from './unusable.ts';

/** All of the feature, in the order in which it is run; each case stands by itself. */
export const cases: readonly Case[] = [
  ...releaseCases,
  ...unusableCases,
  ...ownerCases,
  ...flavorCases,
  ...ampImageIdCases,
];
