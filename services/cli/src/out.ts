/** Where output goes; a `WriteStream` of a terminal gets a progress bar. */
export interface Out {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
