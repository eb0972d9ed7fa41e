namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>A volume cannot be set up now; the kubelet says so in a FailedMount event and tries again.</summary>
public sealed class VolumeException(string volume, string message, Exception? inner = null)
    : Exception($"MountVolume.SetUp failed for volume \"{volume}\" : {message}", inner);
