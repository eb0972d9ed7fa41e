namespace Troupe.DevCluster.Nodes.Host;

internal static class AtomicFile
{
    /// <summary>Readers (and a restarted kubelet) see the old text or the new text, never a part.</summary>
    public static void Write(string path, string text)
    {
        var temporary = path + ".tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }
}
