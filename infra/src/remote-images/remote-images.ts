/** Remote pictures with a memory of bounded size, kept by this node alone: whoever opens a mail again waits for nobody. */
import { LRUCache } from 'lru-cache';
import { fetchImage, type FetchOptions, ImageRefused, type RemoteImage } from './fetch-image.ts';

export interface RemoteImages {
  /** @throws ImageRefused */
  get(url: string): Promise<RemoteImage>;
}

export interface RemoteImagesOptions extends FetchOptions {
  /** Of pictures that are remembered. */
  readonly keptBytes: number;
  readonly keptMs: number;
  /** Servers asked at once; more are refused for now. */
  readonly atOnce: number;
}

export const createRemoteImages = (options: RemoteImagesOptions): RemoteImages => {
  const { keptBytes, keptMs, atOnce } = options;
  let asking = 0;
  const remembered = new LRUCache<string, RemoteImage>({
    maxSize: keptBytes,
    sizeCalculation: ({ bytes }, url) => bytes.byteLength + url.length + 1,
    ttl: keptMs,
    // Whoever asks for what is being fetched waits for the same answer. A refusal is not remembered.
    fetchMethod: async (url) => {
      if (asking >= atOnce) throw new ImageRefused('too many pictures are being fetched');
      asking += 1;
      try {
        return await fetchImage(url, options);
      } finally {
        asking -= 1;
      }
    },
  });
  return {
    get: async (url) => {
      const image = await remembered.fetch(url);
      if (image === undefined) throw new ImageRefused('the picture was given up');
      return image;
    },
  };
};
