import { blobStoreContract } from './contract.ts';
import { memoryBlobs } from './memory.ts';

blobStoreContract('memory', () => memoryBlobs({ settledMs: 50 }));
