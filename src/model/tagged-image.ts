/** That an image carried a tag, as Kiln's looks at Glance have found it. Times are ISO 8601 UTC, of the looks. */
export interface TaggedImage {
  tag: string;
  imageId: string;
  imageName: string | null;
  seenAt: string;
  /** It carried the tag when Kiln looked for the first time: since when is not known. */
  wasThere: boolean;
  /** Null: it carries it. */
  goneAt: string | null;
}
