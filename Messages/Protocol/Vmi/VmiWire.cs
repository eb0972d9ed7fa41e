using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Vmi;

public static class VmiWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("vmi.observed.1", WireJson.Default.VmiObserved),
        WireType.Of("vmi.gone.1", WireJson.Default.VmiGone),
        WireType.Of("vmi.pod-observed.1", WireJson.Default.PodObserved),
        WireType.Of("vmi.pod-gone.1", WireJson.Default.PodGone),
        WireType.Of("vmi.no-pod-listed.1", WireJson.Default.NoPodListed),
        WireType.Of("vmi.claim-observed.1", WireJson.Default.ClaimObserved),
        WireType.Of("vmi.claim-gone.1", WireJson.Default.ClaimGone),
        WireType.Of("vmi.attachment-observed.1", WireJson.Default.AttachmentObserved),
        WireType.Of("vmi.attachment-gone.1", WireJson.Default.AttachmentGone),
        WireType.Of("vmi.pod-troubled.1", WireJson.Default.PodTroubled),
        WireType.Of("vmi.tell-again.1", WireJson.Default.TellAgain),
        WireType.Of("vmi.context-id-wanted.1", WireJson.Default.ContextIdWanted),
        WireType.Of("vmi.context-id-given.1", WireJson.Default.ContextIdGiven),
        WireType.Of("vmi.event.pod-named.1", WireJson.Default.PodNamed),
        WireType.Of("vmi.event.right-granted.1", WireJson.Default.RightGranted),
        WireType.Of("vmi.event.phase-entered.1", WireJson.Default.PhaseEntered),
        WireType.Of("vmi.event.stop-requested.1", WireJson.Default.StopRequested),
        WireType.Of("vmi.event.domain-released.1", WireJson.Default.DomainReleased),
        WireType.Of("vmi.event.retired.1", WireJson.Default.VmiRetired),
    ];
}
