using Akka.Actor;
using Akka.Serialization;

namespace Troupe.Messages.Wire;

/// <summary>Akka's door to <see cref="WireCodec"/>, for remoting and the journal.</summary>
/// <remarks>Bound to <see cref="IWireMessage"/>; an unlisted message fails at the sender instead of falling back to reflection.</remarks>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Never changes: it is stored beside every journaled event.</summary>
    public const int Id = 9110;

    public override int Identifier => Id;

    public override string Manifest(object o) => WireCodec.Default.ManifestOf(o);

    public override byte[] ToBinary(object obj) => WireCodec.Default.Encode(obj);

    public override object FromBinary(byte[] bytes, string manifest) => WireCodec.Default.Decode(bytes, manifest);
}
