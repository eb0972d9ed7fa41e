using System.Globalization;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Stress.Simulation;

/// <summary>What a simulated guest is like; the VMI's annotations say what its spec cannot.</summary>
/// <param name="DirtyBytesPerSecond">How fast it writes to memory.</param>
/// <param name="ObeysButton">It shuts down when the power button is pressed.</param>
public sealed record GuestModel(long MemoryBytes, long DirtyBytesPerSecond, bool ObeysButton)
{
    public const string DirtyAnnotation = "stress.troupe.dev/dirty-bytes-per-second";
    public const string StubbornAnnotation = "stress.troupe.dev/ignores-power-button";

    public static GuestModel Of(VirtualMachineInstance vmi)
    {
        var annotations = vmi.Metadata.Annotations ?? new Dictionary<string, string>();
        return new GuestModel(
            MemoryXml.Bytes(vmi.Spec?.Domain ?? new DomainSpec()),
            annotations.TryGetValue(DirtyAnnotation, out var dirty) ? long.Parse(dirty, CultureInfo.InvariantCulture) : 0,
            !annotations.ContainsKey(StubbornAnnotation));
    }
}

/// <summary>
/// QEMU's pre-copy, as far as its times matter: passes over memory, each of what the guest wrote during the one before, until the rest fits
/// into the downtime that is allowed.
/// </summary>
/// <param name="Left">Bytes of this pass that are not sent.</param>
/// <param name="Dirtied">Bytes that the guest has written since the pass began.</param>
/// <param name="Throttle">Share of its speed that auto-converge leaves to the guest.</param>
public sealed record CopyModel(GuestModel Guest, double Left, double Dirtied, double Sent, int Iteration, double Throttle)
{
    /// <summary>Auto-converge leaves a tenth less after each pass that did not help.</summary>
    private const double ThrottleStep = 0.1;
    private const double LeastThrottle = 0.01;

    public static CopyModel Begin(GuestModel guest) => new(guest, guest.MemoryBytes, 0, 0, 1, 1);

    /// <param name="runs">The guest's virtual CPUs run.</param>
    public CopyModel Advance(double bytesPerSecond, TimeSpan time, bool runs, bool autoConverge)
    {
        var sent = Math.Min(Left, bytesPerSecond * time.TotalSeconds);
        var dirtied = Math.Min(Guest.MemoryBytes, Dirtied + (runs ? Guest.DirtyBytesPerSecond * Throttle * time.TotalSeconds : 0));
        var left = Left - sent;
        return left > 0
            ? this with { Left = left, Dirtied = dirtied, Sent = Sent + sent }
            : this with { Left = dirtied, Dirtied = 0, Sent = Sent + sent, Iteration = Iteration + 1, Throttle = autoConverge ? Math.Max(LeastThrottle, Throttle - ThrottleStep) : Throttle };
    }

    /// <summary>What is left after the first pass can be sent while the guest stands still.</summary>
    public bool Fits(double bytesPerSecond, TimeSpan maxDowntime) => Iteration > 1 && Left + Dirtied <= bytesPerSecond * maxDowntime.TotalSeconds;

    public TimeSpan Rest(double bytesPerSecond) => TimeSpan.FromSeconds((Left + Dirtied) / Math.Max(1, bytesPerSecond));
}
