public import Postgres

/// Every prepared statement of the ledger; a client that serves a `LedgerStore` prepares them all.
public let ledgerStatements: [any PostgresStatement.Type] = [
    LockInstance.self, ReadLiveInstances.self,
    LockJournal.self, ReadJournalHead.self, AdvanceJournal.self, ReadEventHash.self, EnsureEventPartitions.self,
    ReadLedgerIdentity.self, CreateLedger.self, CreateJournals.self,
    AppendEvents.self, ReadEvents.self, ReadAccountEvents.self,
    LoadAccounts.self, PutAccounts.self, LoadPots.self, PutPots.self, LoadGrants.self, PutGrants.self,
    LoadWindows.self, PutWindows.self, LoadEndedExecutions.self,
    InsertEndedExecutions.self, LoadOpenExecutions.self,
    LoadHolds.self, LoadExpiredHolds.self, LoadJournalExpiredHolds.self, InsertHolds.self, DeleteHolds.self,
    InsertTasks.self, ClaimTasks.self, PutTask.self, RenewTasks.self, ReadTaskHolders.self, FreeTasks.self,
    HintTask.self, ReadCallback.self, LockQueuedTasks.self, AcceptTasks.self, LetGoTasks.self, CancelTasks.self,
    DeleteTasks.self, InsertResults.self, LoadResults.self, PurgeResults.self, CountRead.self,
    PutWebhook.self, EndWebhook.self, LoadWebhook.self, DisableWebhook.self, EnsureWebhookCheckpoint.self,
    ProjectWebhooks.self, InsertTestDelivery.self, ClaimDeliveries.self, PutAttempt.self, EndAbandonedDeliveries.self,
    LoadDeliveries.self, LoadAttempts.self, ReadDeliveryHolders.self, FreeDeliveries.self, ReadDestination.self,
    RecordDefinitions.self, LoadDefinition.self,
    LoadKeys.self, PutKey.self, LoadCommands.self, PutCommands.self,
    ScanAccounts.self, ScanPots.self, ScanGrants.self, ScanHolds.self, ScanWindows.self, ScanEndedExecutions.self,
    ScanKeys.self, ScanCommands.self, ClearProjections.self,
]
