/** `kiln release … --octavia`. */
export { alsoOverOctavia } from './also-over-octavia.ts';
export { historyOverOctavia, listOverOctavia } from './list.ts';
export { planOverOctavia } from './plan.ts';
export { showOverOctavia, watchOverOctavia } from './show.ts';
export { startOverOctavia, wordOverOctavia } from './start.ts';
