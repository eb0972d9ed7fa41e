namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>A volume cannot be set up now; the kubelet says so in an event and tries again.</summary>
public sealed class VolumeException : Exception
{
    public VolumeException(string volume, string message, Exception? inner = null)
        : base($"MountVolume.SetUp failed for volume \"{volume}\" : {message}", inner)
    {
    }

    internal VolumeException(AttachException refused)
        : base(refused.Message, refused) => Reason = "FailedAttachVolume";

    /// <summary>Reason of the event.</summary>
    public string Reason { get; } = "FailedMount";
}

/// <summary>The volume is where its access modes do not let it be shared.</summary>
internal sealed class AttachException(string message) : Exception(message);
