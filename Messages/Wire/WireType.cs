using System.Text.Json.Serialization.Metadata;

namespace Troupe.Messages.Wire;

/// <summary>A message that leaves its process or is kept in the journal. Every one is listed in its family's table of <see cref="WireType"/>.</summary>
public interface IWireMessage;

/// <summary>
/// One line of the wire format: a stable name (with a version as its last part, <c>node.run-domain.1</c>) for one message type.
/// A name is never reused for another shape; an incompatible change gets the next version and the old line stays readable.
/// </summary>
public sealed record WireType(string Manifest, Type Type, JsonTypeInfo Json)
{
    public static WireType Of<T>(string manifest, JsonTypeInfo<T> json) where T : IWireMessage => new(manifest, typeof(T), json);
}
