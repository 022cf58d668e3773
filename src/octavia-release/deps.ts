import type { Clock } from '../ports/clock.ts';
import type { ImageMarks } from '../ports/image-marks.ts';
import type { ImageService } from '../ports/images.ts';
import type { OctaviaService } from '../ports/octavia.ts';

/** What a release acts through. */
export interface ReleaseDeps {
  octavia: OctaviaService;
  images: Pick<ImageService, 'get' | 'list' | 'addTag' | 'removeTag'>;
  marks: ImageMarks;
  clock: Clock;
  /** How often Octavia is asked what has ended. */
  pollMs: number;
}
