/** What the image process is asked, and what it answers. */

/** Reads the file at `from`; what it makes goes to `to`. */
export interface Job {
  readonly type: 'room-image' | 'media';
  readonly from: string;
  readonly to: string;
}

export interface Picture {
  readonly mimeType: string;
  readonly width: number;
  readonly height: number;
}

export type JobResult =
  /** `to` holds the picture, encoded anew: pixels and nothing else. */
  | { readonly type: 'picture'; readonly picture: Picture }
  /** No picture; `to` was not made. */
  | { readonly type: 'file'; readonly mimeType: string }
  /** `reason` ends the sentence "the file …". */
  | { readonly type: 'refused'; readonly reason: string };
