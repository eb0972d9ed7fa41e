using System.Text.Json.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Vmi;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(VmiObserved))]
[JsonSerializable(typeof(VmiGone))]
[JsonSerializable(typeof(PodObserved))]
[JsonSerializable(typeof(PodGone))]
[JsonSerializable(typeof(NoPodListed))]
[JsonSerializable(typeof(ClaimObserved))]
[JsonSerializable(typeof(ClaimGone))]
[JsonSerializable(typeof(AttachmentObserved))]
[JsonSerializable(typeof(AttachmentGone))]
[JsonSerializable(typeof(PodTroubled))]
[JsonSerializable(typeof(TellAgain))]
[JsonSerializable(typeof(ContextIdWanted))]
[JsonSerializable(typeof(ContextIdGiven))]
[JsonSerializable(typeof(PodNamed))]
[JsonSerializable(typeof(RightGranted))]
[JsonSerializable(typeof(PhaseEntered))]
[JsonSerializable(typeof(StopRequested))]
[JsonSerializable(typeof(DomainReleased))]
[JsonSerializable(typeof(VmiRetired))]
public sealed partial class VmiJson : JsonSerializerContext;

public static class VmiWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("vmi.observed.1", VmiJson.Default.VmiObserved),
        WireType.Of("vmi.gone.1", VmiJson.Default.VmiGone),
        WireType.Of("vmi.pod-observed.1", VmiJson.Default.PodObserved),
        WireType.Of("vmi.pod-gone.1", VmiJson.Default.PodGone),
        WireType.Of("vmi.no-pod-listed.1", VmiJson.Default.NoPodListed),
        WireType.Of("vmi.claim-observed.1", VmiJson.Default.ClaimObserved),
        WireType.Of("vmi.claim-gone.1", VmiJson.Default.ClaimGone),
        WireType.Of("vmi.attachment-observed.1", VmiJson.Default.AttachmentObserved),
        WireType.Of("vmi.attachment-gone.1", VmiJson.Default.AttachmentGone),
        WireType.Of("vmi.pod-troubled.1", VmiJson.Default.PodTroubled),
        WireType.Of("vmi.tell-again.1", VmiJson.Default.TellAgain),
        WireType.Of("vmi.context-id-wanted.1", VmiJson.Default.ContextIdWanted),
        WireType.Of("vmi.context-id-given.1", VmiJson.Default.ContextIdGiven),
        WireType.Of("vmi.event.pod-named.1", VmiJson.Default.PodNamed),
        WireType.Of("vmi.event.right-granted.1", VmiJson.Default.RightGranted),
        WireType.Of("vmi.event.phase-entered.1", VmiJson.Default.PhaseEntered),
        WireType.Of("vmi.event.stop-requested.1", VmiJson.Default.StopRequested),
        WireType.Of("vmi.event.domain-released.1", VmiJson.Default.DomainReleased),
        WireType.Of("vmi.event.retired.1", VmiJson.Default.VmiRetired),
    ];
}
