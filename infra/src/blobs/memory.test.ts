import { blobStoreContract } from './contract.ts';
import { noLinkContract } from './link-contract.ts';
import { memoryBlobs } from './memory.ts';

blobStoreContract('memory', () => memoryBlobs({ settledMs: 50 }));
noLinkContract('memory', () => memoryBlobs({ settledMs: 50 }));
