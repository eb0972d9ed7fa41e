using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Libvirt;

/// <summary>libvirt's numbers for states, events and their reasons, in the protocol's words.</summary>
internal static class DomainStates
{
    /// <summary>virDomainState with its per-state reasons.</summary>
    public static (DomainState, DomainReason) OfState(int state, int reason) => state switch
    {
        1 => (DomainState.Running, reason switch { 1 => DomainReason.Booted, 2 => DomainReason.Migrated, 3 => DomainReason.Restored, 5 => DomainReason.Unpaused, 8 => DomainReason.Wakeup, _ => DomainReason.Unknown }),
        2 => (DomainState.Blocked, DomainReason.Unknown),
        3 => (DomainState.Paused, reason switch { 1 => DomainReason.User, 2 => DomainReason.Migration, 5 => DomainReason.IoError, 6 => DomainReason.Watchdog, 10 => DomainReason.Crashed, 11 => DomainReason.Starting, 13 => DomainReason.PostcopyFailed, _ => DomainReason.Unknown }),
        4 => (DomainState.ShuttingDown, DomainReason.User),
        5 => (DomainState.Shutoff, reason switch { 1 => DomainReason.Shutdown, 2 => DomainReason.Destroyed, 3 => DomainReason.Crashed, 4 => DomainReason.Migrated, 5 => DomainReason.Saved, 6 => DomainReason.Failed, 7 => DomainReason.FromSnapshot, _ => DomainReason.Unknown }),
        6 => (DomainState.Crashed, DomainReason.Panicked),
        7 => (DomainState.PmSuspended, DomainReason.Unknown),
        _ => (DomainState.NoDomain, DomainReason.Unknown),
    };

    /// <summary>virDomainEventType with its detail; null for an event that changes no state.</summary>
    public static (DomainState, DomainReason)? OfEvent(int lifecycleEvent, int detail) => lifecycleEvent switch
    {
        2 => (DomainState.Running, detail switch { 0 => DomainReason.Booted, 1 => DomainReason.Migrated, 2 => DomainReason.Restored, _ => DomainReason.Unknown }),
        3 => (DomainState.Paused, detail switch { 0 => DomainReason.User, 1 => DomainReason.Migration, 2 => DomainReason.IoError, 3 => DomainReason.Watchdog, 7 => DomainReason.PostcopyFailed, _ => DomainReason.Unknown }),
        4 => (DomainState.Running, DomainReason.Unpaused),
        5 => (DomainState.Shutoff, detail switch { 0 => DomainReason.Shutdown, 1 => DomainReason.Destroyed, 2 => DomainReason.Crashed, 3 => DomainReason.Migrated, 4 => DomainReason.Saved, 5 => DomainReason.Failed, 6 => DomainReason.FromSnapshot, _ => DomainReason.Unknown }),
        7 => (DomainState.PmSuspended, DomainReason.Unknown),
        8 => (DomainState.Crashed, DomainReason.Panicked),
        _ => null,
    };
}
