import { settleHeap } from './platform/process/heap.js';

settleHeap();
// Only now: a process that has just replaced itself would have loaded the service in vain.
const { runService } = await import('./app/service.js');
runService();
