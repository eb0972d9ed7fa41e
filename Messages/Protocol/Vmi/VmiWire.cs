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
public sealed partial class VmiJson : JsonSerializerContext;

public static class VmiWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("vmi.observed.1", VmiJson.Default.VmiObserved),
        WireType.Of("vmi.gone.1", VmiJson.Default.VmiGone),
        WireType.Of("vmi.pod-observed.1", VmiJson.Default.PodObserved),
        WireType.Of("vmi.pod-gone.1", VmiJson.Default.PodGone),
    ];
}
