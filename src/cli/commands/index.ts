/** The contents page: every command of `kiln`, in the order of the help. */
import type { Command } from '../command.ts';
import { amphoraBoot } from './amphora/boot.ts';
import { amphoraConsole } from './amphora/console.ts';
import { amphoraDelete } from './amphora/delete.ts';
import { amphoraList } from './amphora/list.ts';
import { amphoraShow } from './amphora/show.ts';
import { configShow } from './config-show.ts';
import { dbStatus } from './db/status.ts';
import { dbUpgrade } from './db/upgrade.ts';
import { dev } from './dev.ts';
import { doctor } from './doctor.ts';
import { fleet } from './fleet.ts';
import { healthResume } from './health/resume.ts';
import { healthShow } from './health/show.ts';
import { housekeepingList } from './housekeeping/list.ts';
import { housekeepingRun } from './housekeeping/run.ts';
import { imageBuild } from './image/build.ts';
import { imageHide, imageUnhide } from './image/hide.ts';
import { imageHistory } from './image/history.ts';
import { imageList } from './image/list.ts';
import { imagePrune } from './image/prune.ts';
import { imagePush } from './image/push.ts';
import { imageResolve } from './image/resolve.ts';
import { imageShow } from './image/show.ts';
import { imageTag, imageUntag } from './image/tag.ts';
import { loadBalancerResize } from './load-balancer/resize.ts';
import { operationAbort } from './operation/abort.ts';
import { operationList } from './operation/list.ts';
import { operationShow } from './operation/show.ts';
import { releaseHistory } from './release/history.ts';
import { releaseAbort, releasePause, releaseResume, releaseRollback } from './release/instructions.ts';
import { releaseList } from './release/list.ts';
import {
  alsoOverOctavia,
  historyOverOctavia,
  listOverOctavia,
  planOverOctavia,
  showOverOctavia,
  startOverOctavia,
  watchOverOctavia,
  wordOverOctavia,
} from './release/over-octavia/index.ts';
import { releasePlan } from './release/plan.ts';
import { releaseShow } from './release/show.ts';
import { releaseStart } from './release/start.ts';
import { releaseWatch } from './release/watch.ts';
import { secretAdopt } from './secret/adopt.ts';
import { secretDelete } from './secret/delete.ts';
import { secretList } from './secret/list.ts';
import { secretStore } from './secret/store.ts';
import { serve } from './serve.ts';
import { status } from './status.ts';
import { ui } from './ui.ts';
import { version } from './version.ts';

export const commands: readonly Command[] = [
  imageList,
  imageShow,
  imageBuild,
  imagePush,
  imageTag,
  imageUntag,
  imageHistory,
  imageHide,
  imageUnhide,
  imageResolve,
  imagePrune,
  amphoraBoot,
  amphoraList,
  amphoraShow,
  amphoraConsole,
  amphoraDelete,
  fleet,
  alsoOverOctavia(releasePlan, planOverOctavia),
  alsoOverOctavia(releaseStart, startOverOctavia),
  alsoOverOctavia(releaseList, listOverOctavia),
  alsoOverOctavia(releaseShow, showOverOctavia),
  alsoOverOctavia(releaseWatch, watchOverOctavia),
  alsoOverOctavia(releasePause, wordOverOctavia('pause')),
  alsoOverOctavia(releaseResume, wordOverOctavia('run')),
  alsoOverOctavia(releaseAbort, wordOverOctavia('abort')),
  alsoOverOctavia(releaseRollback, wordOverOctavia('rollback')),
  alsoOverOctavia(releaseHistory, historyOverOctavia),
  loadBalancerResize,
  operationList,
  operationShow,
  operationAbort,
  healthShow,
  healthResume,
  housekeepingList,
  housekeepingRun,
  secretStore,
  secretAdopt,
  secretList,
  secretDelete,
  dbStatus,
  dbUpgrade,
  configShow,
  doctor,
  status,
  serve,
  ui,
  dev,
  version,
];
