using System.Text.Json.Serialization;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>Something that is done to a running guest on somebody's request and leaves its spec as it is.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "do")]
[JsonDerivedType(typeof(PauseDomain), "pause")]
[JsonDerivedType(typeof(UnpauseDomain), "unpause")]
[JsonDerivedType(typeof(FreezeGuest), "freeze")]
[JsonDerivedType(typeof(UnfreezeGuest), "unfreeze")]
[JsonDerivedType(typeof(SoftRebootGuest), "soft-reboot")]
[JsonDerivedType(typeof(ResetDomain), "reset")]
[JsonDerivedType(typeof(TakeScreenshot), "screenshot")]
[JsonDerivedType(typeof(AskGuestAgent), "ask-guest-agent")]
[JsonDerivedType(typeof(PingGuestAgent), "ping-guest-agent")]
[JsonDerivedType(typeof(ExecInGuest), "exec")]
public abstract record DomainOperation;

public sealed record PauseDomain : DomainOperation;

public sealed record UnpauseDomain : DomainOperation;

/// <summary>Have the guest write out its file systems and hold them still.</summary>
/// <param name="UnfreezeAfterSeconds">They are let go by then, whatever becomes of whoever asked; 0 for never.</param>
public sealed record FreezeGuest(int UnfreezeAfterSeconds) : DomainOperation;

public sealed record UnfreezeGuest : DomainOperation;

/// <summary>A reboot from within, by the guest agent or else by the ACPI button.</summary>
public sealed record SoftRebootGuest : DomainOperation;

/// <summary>The reset button.</summary>
public sealed record ResetDomain : DomainOperation;

/// <summary>The result is a PNG.</summary>
/// <param name="MoveCursor">Nudge the pointer before, so that a sleeping screen wakes.</param>
public sealed record TakeScreenshot(bool MoveCursor) : DomainOperation;

/// <summary>Ask the agent for everything it knows, now. The result is the observation.</summary>
public sealed record AskGuestAgent : DomainOperation;

public sealed record PingGuestAgent(int TimeoutSeconds) : DomainOperation;

/// <summary>Run a program in the guest. The result is its exit code and what it printed.</summary>
public sealed record ExecInGuest(string Command, IReadOnlyList<string> Args, int TimeoutSeconds) : DomainOperation;

/// <summary>Carry out an operation; the answer comes when it is done. A launcher that does not know it answers Unsupported.</summary>
/// <param name="Epoch">As with every request; 0 for "whichever is current", since an operation starts no guest.</param>
public sealed record OperateDomain(long Epoch, DomainOperation Operation) : ILauncherRequest;

/// <summary>
/// Bring the running domain to this spec: disks, interfaces, CPUs, memory. Idempotent; what cannot be changed while the guest runs stays.
/// </summary>
public sealed record SyncDomain(long Epoch, Api.KubeVirt.VirtualMachineInstance Vmi, LaunchContext Context) : ILauncherRequest;

/// <summary>What an operation brought; all null where it brings nothing but success.</summary>
/// <param name="Bytes">A file's content.</param>
/// <param name="ExitCode">Of a program in the guest.</param>
public sealed record OperationResult(string? Text = null, byte[]? Bytes = null, int? ExitCode = null, GuestAgentObservation? GuestAgent = null);
