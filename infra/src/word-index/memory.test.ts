import { memoryWordIndex } from './memory.ts';
import { wordIndexContract } from './contract.ts';

const index = memoryWordIndex();
wordIndexContract('memory', () => index);
