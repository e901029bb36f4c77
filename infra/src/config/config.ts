/** Placeholder interface until the codec lands in this file. */
export interface Config {
  readonly dataDir: string;
}
